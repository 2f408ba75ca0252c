"""Reads that come together: one query for all that ask while another runs."""

import asyncio
import threading

import pytest

from reins.together import Together
from tests.support.waiting import until_async


class Rows:
    """Counts what is read at once; holds each read until it is let go."""

    def __init__(self):
        self.asked, self.go = [], threading.Event()
        self.fails = False

    def read(self, keys):
        self.asked.append(sorted(keys))
        assert self.go.wait(20)
        if self.fails:
            raise OSError("the disk is away")
        return {key: key.upper() for key in keys if key != "nobody"}


@pytest.fixture
def rows():
    return Rows()


async def begun(rows, *keys):
    """A read of the first key runs; the others wait for the next."""
    together = Together(rows.read)
    asked = []
    for key in keys:
        asked.append(asyncio.ensure_future(together.get(key)))
        await asyncio.sleep(0)
    await until_async(lambda: rows.asked, "it is read")
    return together, asked


async def test_those_that_ask_during_a_read_are_read_in_the_next(rows):
    """Also the same key, whose value may have changed since that read began."""
    together, first = await begun(rows, "a")
    keys = ("b", "c", "nobody", "b", "a")
    rest = [asyncio.ensure_future(together.get(key)) for key in keys]
    await asyncio.sleep(0)
    rows.go.set()
    assert await asyncio.gather(*first, *rest) == ["A", "B", "C", None, "B", "A"]
    assert rows.asked == [["a"], ["a", "b", "c", "nobody"]]


async def test_who_gives_up_takes_nothing_from_others(rows):
    """A tick that is cancelled leaves the read to those that wait for it too."""
    _, [given_up, other] = await begun(rows, "a", "a")
    given_up.cancel()
    rows.go.set()
    assert await other == "A"


async def test_an_error_is_raised_where_it_is_waited_for(rows):
    """By all that asked; the next read is a new one."""
    together, [asked, given_up] = await begun(rows, "a", "b")
    given_up.cancel()
    rows.fails = True
    rows.go.set()
    with pytest.raises(OSError, match="away"):
        await asked
    rows.fails = False
    assert await together.get("c") == "C"
