"""Effects: rows of other tables that a tick leaves, committed with the tick's own row.

A message, a child session, a memory: each is prepared under a lock of its own, so that what it
counts on (the next number, a name that is free) still holds when the row is on disk.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent_core.session.log import Also


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows to commit, and what the tick's payload says of them, known only now.

    A row that names the tick's `seq` is a function of it.
    """

    records: Sequence[Also]
    payload: Mapping[str, Any] = field(default_factory=dict)


class Effect(Protocol):
    """One effect of a tick.

    `prepare` is entered before the tick's row is written and left after it: it takes its lock and
    gives what to commit; left normally it settles, left by an exception it undoes, or reads anew
    what may be on disk all the same. It gives None where the tick has been overtaken: nothing is
    written, and the tick is done again. Effects of one tick are entered in the order of their
    keys, so that no two ticks wait for each other.
    """

    @property
    def key(self) -> str: ...

    def prepare(self) -> AbstractAsyncContextManager[Prepared | None]: ...


class _OvertakenError(Exception):
    """One effect of several has been overtaken: those prepared before it are undone."""


async def enter_all(effects: Sequence[Effect], stack: AsyncExitStack) -> Prepared | None:
    """Prepare every effect on `stack`; None as soon as one has been overtaken.

    Where one is overtaken or cannot be, those before it are left by an exception, and undo.
    """
    try:
        async with AsyncExitStack() as entered:
            prepared = await _prepared(effects, entered)
            stack.push_async_exit(entered.pop_all())
            return prepared
    except _OvertakenError:
        return None


async def _prepared(effects: Sequence[Effect], entered: AsyncExitStack) -> Prepared:
    records: list[Also] = []
    payload: dict[str, Any] = {}
    for effect in sorted(effects, key=lambda each: each.key):
        preparing = effect.prepare()
        prepared = await preparing.__aenter__()
        if prepared is None:
            await preparing.__aexit__(None, None, None)
            raise _OvertakenError
        entered.push_async_exit(preparing)
        records += prepared.records
        payload |= prepared.payload
    return Prepared(records, payload)


NO_EFFECTS = Prepared(())
