"""The effects of one tick, entered together before its row is written."""

from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from agent_core.agent.effects import Prepared, enter_all
from store.journal.file import Record

OVERTAKEN = None


class Kept:
    """An effect that notes when it is entered and how it is left."""

    def __init__(self, key, log, prepared=()):
        self.key, self.log, self.prepared = key, log, prepared

    @asynccontextmanager
    async def prepare(self):
        self.log.append(f"enter {self.key}")
        try:
            yield None if self.prepared is OVERTAKEN else Prepared(self.prepared, {self.key: 1})
        except BaseException:
            self.log.append(f"undo {self.key}")
            raise
        self.log.append(f"settle {self.key}")


def row(key):
    return Record("messages", key.encode())


async def test_effects_are_entered_in_the_order_of_their_keys():
    """However the tick lists them, so that no two ticks wait for each other."""
    log = []
    effects = [Kept("b", log, [row("b")]), Kept("a", log, [row("a")])]
    async with AsyncExitStack() as stack:
        prepared = await enter_all(effects, stack)
        assert log == ["enter a", "enter b"]
    assert prepared == Prepared([row("a"), row("b")], {"a": 1, "b": 1})
    assert log[2:] == ["settle b", "settle a"]


async def test_a_commit_that_fails_undoes_every_effect():
    """What is raised while the rows are written goes through each of them."""
    log = []

    async def commit():
        async with AsyncExitStack() as stack:
            await enter_all([Kept("a", log), Kept("b", log)], stack)
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        await commit()
    assert log[2:] == ["undo b", "undo a"]


async def test_after_an_effect_that_is_overtaken_none_is_entered():
    """There is nothing to commit then."""
    log = []
    async with AsyncExitStack() as stack:
        effects = [Kept("a", log, OVERTAKEN), Kept("b", log)]
        assert await enter_all(effects, stack) is None
    assert "enter b" not in log


async def test_an_effect_that_is_overtaken_undoes_those_before_it():
    """They were prepared for a row that is not written; the overtaken one is left as it says."""
    log = []
    async with AsyncExitStack() as stack:
        effects = [Kept("a", log), Kept("b", log, OVERTAKEN), Kept("c", log)]
        assert await enter_all(effects, stack) is None
    assert log == ["enter a", "enter b", "settle b", "undo a"]


async def test_an_effect_that_cannot_be_undoes_those_before_it():
    """The tick fails, and nothing of it counts as written."""
    log = []

    class Broken(Kept):
        @asynccontextmanager
        async def prepare(self):
            raise OSError("no lock")
            yield

    async def enter():
        async with AsyncExitStack() as stack:
            with pytest.raises(OSError, match="no lock"):
                await enter_all([Kept("a", log), Broken("b", log)], stack)

    await enter()
    assert log == ["enter a", "undo a"]
