"""Threads for actions that are not async: so many and no more, whatever becomes of their plans."""

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

THREADS = 8


class Pool:
    """A bounded pool of threads of its own.

    A call that is given up before it begins is cancelled. One that runs cannot be ended: it keeps
    its thread until it returns, and counts as `abandoned` until then. At the exit of the process
    Python waits for it.
    """

    def __init__(self, threads: int = THREADS) -> None:
        self.threads = threads
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="plan")
        self._lock = threading.Lock()
        self._abandoned = 0

    @property
    def abandoned(self) -> int:
        """The number of threads that do what nobody waits for any more."""
        return self._abandoned

    def submit(self, function: Callable[[], Any]) -> "Future[Any]":
        """Begin a call as soon as a thread is free; it sees the caller's context variables."""
        return self._executor.submit(contextvars.copy_context().run, function)

    def give_up(self, future: "Future[Any]") -> bool:
        """Wait no more for a call. Returns True where it had not begun, and never will."""
        if future.cancel() or future.done():
            return future.cancelled()
        with self._lock:
            self._abandoned += 1
        future.add_done_callback(self._freed)
        return False

    def close(self) -> None:
        """Begin no more calls. Returns at once; those that run go on to their end."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _freed(self, _future: "Future[Any]") -> None:
        with self._lock:
            self._abandoned -= 1
