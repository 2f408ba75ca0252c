"""Pieces of work that a session does between its ticks, side by side, each with its end."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import structlog

from agent_core.session.node import node
from agent_core.session.side_tasks import Named
from agent_core.session.tick_scope import TickScope
from store.times import now_us

_logger = structlog.get_logger(__name__)

Outcome: TypeAlias = tuple[Any, BaseException | None]
_left_behind: set["asyncio.Task[Outcome]"] = set()


def left_behind() -> int:
    """Pieces of this process that swallowed their cancellation and have not ended yet."""
    return len(_left_behind)


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a piece: its result, or its error. **Units**: microseconds since 1970, UTC;
    milliseconds.
    """

    name: str
    result: Any
    error: BaseException | None
    started_at: int
    took_ms: float


@dataclass(frozen=True, slots=True)
class Told:
    """A piece of which a row tells: its end, or how it was cancelled.

    `outcome` is None of an end. `is_wait`: it only waited for its time.
    """

    name: str
    outcome: str | None = None
    is_wait: bool = False


class Work:
    """Runs pieces by name, and keeps their ends in the order in which they came until forgotten.

    `tell` is called at each end, `warn` with a name right before each cancellation. What swallows
    its cancellation is abandoned: its name is free again, and its late end is dropped. Everything
    here runs on the worker's loop.
    """

    def __init__(
        self,
        owner: Named,
        scope: TickScope,
        tell: Callable[[], object],
        warn: Callable[[str], object],
    ) -> None:
        self._owner = owner
        self._scope = scope
        self._tell = tell
        self._warn = warn
        self._tasks: dict[str, asyncio.Task[Outcome]] = {}
        self.since: dict[str, int] = {}
        """When each that runs began. **Units**: microseconds since 1970, UTC."""
        self._let_go: set[str] = set()
        self.freed = False
        """Something that was let go has ended: it may be begun again."""
        self._changed = asyncio.Event()
        self.ends: deque[Ended] = deque()

    @property
    def running(self) -> Collection[str]:
        return self._tasks.keys()

    def knows(self, name: str) -> bool:
        """True if a piece of this name runs, or its end has not been forgotten."""
        return name in self._tasks or any(end.name == name for end in self.ends)

    def start(self, name: str, piece: Coroutine[Any, Any, Any]) -> None:
        """Raises: ValueError if a piece of this name is there."""
        if self.knows(name):
            piece.close()
            raise ValueError(f"a piece of work is named {name!r} already; expected another name")
        session_id = self._owner.names["session_id"]
        context = copy_context()
        context.run(node.set, name)
        task = asyncio.get_running_loop().create_task(
            _outcome(piece), name=f"{name} {session_id}", context=context
        )
        self._tasks[name] = task
        self.since[name] = began_at = now_us()
        self._scope.pieces = len(self._tasks)
        task.add_done_callback(partial(self._ended, name, piece, began_at, time.perf_counter()))

    def forget(self, ends: Collection[Ended]) -> None:
        """These are taken in, and on record."""
        known = {id(end) for end in ends}
        self.ends = deque(end for end in self.ends if id(end) not in known)

    def drop(self, name: str) -> None:
        """The end of a piece counts as if it had not begun: it may be started again."""
        self.ends = deque(end for end in self.ends if end.name != name)

    def look(self) -> None:
        """Let `change` return: something else has come up."""
        self._changed.set()

    async def change(self) -> None:
        """Returns once something has ended, or come up, since the last call."""
        await self._changed.wait()
        self._changed.clear()

    def let_go(self, names: Collection[str] | None = None) -> None:
        """Cancel all that runs, or these; what ends by it leaves no end, and may be started
        again.
        """
        for name, task in self._tasks.items():
            if name not in self._let_go and (names is None or name in names):
                self._cancel(name, task)

    async def settle(self, within_s: float) -> None:
        """Wait for the ends of what was let go; what swallows its cancellation is abandoned."""
        await self._wait_for({name: self._tasks[name] for name in self._let_go}, within_s)

    async def cancel(self, names: Iterable[str], within_s: float) -> dict[str, str]:
        """Cancel pieces in this order, and wait for their ends; none of them leaves one.

        Gives for each that ran how it ended: `cancelled`, `done` where it was too late for that,
        or `abandoned`.
        """
        tasks = {name: self._tasks[name] for name in names if name in self._tasks}
        for name, task in tasks.items():
            self._cancel(name, task)
        await self._wait_for(tasks, within_s)
        for name in tasks:
            self.drop(name)
        return {name: _end_of(task) for name, task in tasks.items()}

    async def close(self, within_s: float) -> None:
        """Cancel all that runs, and leave behind what does not end in time."""
        await self.cancel([*self._tasks], within_s)

    async def _wait_for(
        self, tasks: Mapping[str, "asyncio.Task[Outcome]"], within_s: float
    ) -> None:
        if not tasks:
            return
        await asyncio.wait(tasks.values(), timeout=within_s)
        await asyncio.sleep(0)  # one that was done before is told of only now
        for name, task in tasks.items():
            if not task.done():
                self._abandon(name, task)

    def _cancel(self, name: str, task: "asyncio.Task[Outcome]") -> None:
        self._let_go.add(name)
        self._warn(name)
        task.cancel()

    def _ended(
        self,
        name: str,
        piece: Coroutine[Any, Any, Any],
        started_at: int,
        began: float,
        task: "asyncio.Task[Outcome]",
    ) -> None:
        piece.close()  # where it was cancelled before it began
        if self._tasks.get(name) is not task:
            return  # it was abandoned, and another may have its name
        self._out(name)
        took_ms = round((time.perf_counter() - began) * 1e3, 3)
        result, error = (None, asyncio.CancelledError()) if task.cancelled() else task.result()
        if name not in self._let_go or not isinstance(error, asyncio.CancelledError):
            self.ends.append(Ended(name, result, error, started_at, took_ms))
        else:
            self.freed = True
        self._let_go.discard(name)
        self._tell()

    def _out(self, name: str) -> None:
        del self._tasks[name]
        self.since.pop(name, None)
        self._scope.pieces = len(self._tasks)
        self._changed.set()

    def _abandon(self, name: str, task: "asyncio.Task[Outcome]") -> None:
        self._out(name)
        self._let_go.discard(name)
        _left_behind.add(task)
        task.add_done_callback(_left_behind.discard)
        _logger.error("a piece of work swallowed its cancellation", piece=name, **self._owner.names)


def _end_of(task: "asyncio.Task[Outcome]") -> str:
    if not task.done():
        return "abandoned"
    is_cancelled = task.cancelled() or isinstance(task.result()[1], asyncio.CancelledError)
    return "cancelled" if is_cancelled else "done"


async def _outcome(piece: Coroutine[Any, Any, Any]) -> Outcome:
    """Whatever it does is a value: not even a panic or exit() ends the fleet."""
    try:
        return await piece, None
    except BaseException as error:  # noqa: BLE001
        return None, error
