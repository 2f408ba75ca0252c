"""An asyncio loop whose time is the world's and whose pool is made of the world's threads.

Callbacks keep their order, which asyncio promises; what other threads hand in, and when, is drawn.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

from tests.simulation.world import Killed, Process, World


class SimulatedLoop(asyncio.BaseEventLoop):
    """The loop of one process; run it in one of the process's threads."""

    def __init__(self, world: World, process: Process) -> None:
        super().__init__()
        self._world, self._process = world, process
        self._clock_resolution = 1e-9
        self._selector = self
        self._sleeping: Any = None
        self._counted = itertools.count()
        self._pool = itertools.count(1)
        self._unfinished: dict[int, _Task] = {}
        self.set_task_factory(_Task.made)
        process.loop = self

    def run(self, main: Coroutine[Any, Any, None]) -> None:
        """Run until `main` has ended."""
        try:
            self.run_until_complete(main)
        finally:
            self.close()

    def abandon(self) -> None:
        """The process has ended: nothing that waits here goes on."""
        self.set_exception_handler(lambda *_: None)
        while self._unfinished:
            _, task = self._unfinished.popitem()
            task._log_destroy_pending = False
            with contextlib.suppress(BaseException):
                task.get_coro().close()
        with contextlib.suppress(BaseException):
            self.close()

    # -- what a loop asks of the system

    def time(self) -> float:
        return self._world.now

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is not None and timeout <= 0:
            self._world.give_way()
            return []
        self._sleeping = self._world.here()
        try:
            self._world.block(None if timeout is None else self._world.now + timeout)
        finally:
            self._sleeping = None
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        del event_list

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """A process that is killed in a callback has ended; asyncio would go on."""
        if isinstance(context.get("exception"), Killed):
            raise context["exception"]
        super().call_exception_handler(context)

    def _write_to_self(self) -> None:
        if self._sleeping is not None:
            self._world.wake(self._sleeping)

    def create_future(self) -> "asyncio.Future[Any]":
        return _Future(loop=self)

    def run_in_executor(
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> "asyncio.Future[Any]":
        del executor
        future = self.create_future()

        def settle(result: Any, error: BaseException | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def work() -> None:
            result, error = None, None
            try:
                result = func(*args)
            except Killed:
                raise
            except BaseException as failure:  # noqa: BLE001 - handed to the caller
                error = failure
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self.call_soon_threadsafe(settle, result, error)

        self._world.spawn(self._process, f"pool {next(self._pool)}", work)
        return future


class _Counted:
    """Hashed by a count: sets of them are walked in the same order in each run."""

    _number = 0

    def __hash__(self) -> int:
        return self._number


class _Future(_Counted, asyncio.Future):  # type: ignore[type-arg]
    def __init__(self, *, loop: SimulatedLoop) -> None:
        self._number = next(loop._counted)
        super().__init__(loop=loop)


class _Task(_Counted, asyncio.Task):  # type: ignore[type-arg]
    def __init__(self, coro: Any, *, loop: SimulatedLoop, **more: Any) -> None:
        self._number = next(loop._counted)
        super().__init__(coro, loop=loop, **more)
        loop._unfinished[self._number] = self
        self.add_done_callback(lambda task: loop._unfinished.pop(task._number, None))

    @classmethod
    def made(cls, loop: SimulatedLoop, coro: Any, **more: Any) -> "_Task":
        return cls(coro, loop=loop, **more)
