"""Work beside a session: held until it ends, its failure reported."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol

import structlog

_logger = structlog.get_logger(__name__)


class Named(Protocol):
    @property
    def names(self) -> dict[str, Any]: ...


class SideTasks:
    """Tasks and the one time limit of a session, whose names each log line carries."""

    __slots__ = ("_armed", "_owner", "_tasks")

    def __init__(self, owner: Named) -> None:
        self._owner = owner
        self._tasks: set[asyncio.Task[None]] | None = None  # most sessions never have any
        self._armed: asyncio.TimerHandle | None = None

    @property
    def running(self) -> "Iterable[asyncio.Task[None]]":
        return self._tasks or ()

    def run(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Run `work` as a task of this name and the session's."""
        if self._tasks is None:
            self._tasks = set()
        session_id = self._owner.names["session_id"]
        task = asyncio.get_running_loop().create_task(work, name=f"{name} {session_id}")
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def arm(self, delay_s: float, callback: Callable[[], object]) -> None:
        """Call back after a time limit; at most one is armed, the first stays."""
        if self._armed is None:
            self._armed = asyncio.get_running_loop().call_later(delay_s, callback)

    def disarm(self) -> None:
        if self._armed is not None:
            self._armed.cancel()
            self._armed = None

    def _done(self, task: "asyncio.Task[None]") -> None:
        if self._tasks is not None:
            self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.error(
                "side task failed", task=task.get_name(), error=str(error), **self._owner.names
            )
