"""Loops of one shape: `run_once` does a round and gives the seconds until the next.

Both forms share one contract. A loop starts once: a second start is an error, and so is one after a
stop. `wake` ends the wait before the next round. A stop before the start does nothing but forbid
it; a second stop does nothing. A round that raises is logged and tried again after `RETRY_S`; one
that gives None ends the loop.
"""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable

import structlog

_log = structlog.get_logger(__name__)

RETRY_S = 1.0


class ThreadLoop:
    """A loop in a daemon thread of its own.

    `first_s`: the wait before the first round. `last_round`: a stop is followed by one round more.
    `close` is called, in the thread, when the loop ends.
    """

    def __init__(
        self,
        name: str,
        run_once: Callable[[], float | None],
        *,
        first_s: float = 0.0,
        last_round: bool = False,
        close: Callable[[], object] | None = None,
    ) -> None:
        self._name = name
        self._run_once = run_once
        self._first_s = first_s
        self._last_round = last_round
        self._close = close
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self.stopping = threading.Event()

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        if self._thread is not None or self.stopping.is_set():
            raise RuntimeError(f"the {self._name} was started twice or stopped; make a new one")
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        self._wake.set()

    def ask_to_stop(self) -> None:
        """Stop, without waiting for the round in flight."""
        self.stopping.set()
        self._wake.set()

    def stop(self, timeout_s: float | None = None) -> None:
        """Stop and wait for the thread's end; blocks for `timeout_s` at the most."""
        self.ask_to_stop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        wait_s: float | None = self._first_s
        try:
            while wait_s is not None:
                if wait_s > 0:
                    self._wake.wait(wait_s)
                self._wake.clear()
                stopping = self.stopping.is_set()
                if stopping and not self._last_round:
                    return
                wait_s = self._round()
                if stopping:
                    return
        finally:
            if self._close is not None:
                self._close()

    def _round(self) -> float | None:
        try:
            return self._run_once()
        except Exception:  # noqa: BLE001 - the fault of one round ends no loop
            _log.exception("a loop's round failed", loop=self._name, retry_in_s=RETRY_S)
            return RETRY_S


class TaskLoop:
    """A loop as a task of the event loop that is running at its start."""

    def __init__(self, name: str, run_once: Callable[[], Awaitable[float | None]]) -> None:
        self._name = name
        self._run_once = run_once
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def start(self) -> None:
        if self._task is not None or self._stopped:
            raise RuntimeError(f"the {self._name} was started twice or stopped; make a new one")
        self._task = asyncio.get_running_loop().create_task(self._run(), name=self._name)

    def wake(self) -> None:
        """Only on the loop that runs it."""
        self._wake.set()

    async def stop(self) -> None:
        """Cancel the round in flight, and wait for its end."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while (wait_s := await self._round()) is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()

    async def _round(self) -> float | None:
        self._wake.clear()
        try:
            return await self._run_once()
        except Exception:  # noqa: BLE001 - the fault of one round ends no loop
            _log.exception("a loop's round failed", loop=self._name, retry_in_s=RETRY_S)
            return RETRY_S
