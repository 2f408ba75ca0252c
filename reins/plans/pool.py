"""Threads for actions that are not async: so many and no more, whatever becomes of their plans."""

import contextvars
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any

THREADS = 8


class Pool:
    """A bounded pool of threads of its own, which owners of calls have in turn.

    A call that is given up before it begins is cancelled. One that runs cannot be ended: it keeps
    its thread until it returns, and counts as `abandoned` until then. At the exit of the process
    Python waits for it.
    """

    def __init__(self, threads: int = THREADS) -> None:
        self.threads = threads
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="plan")
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[tuple[Future[Any], Callable[[], Any]]]] = {}
        """Calls by owner; the first owner is the next."""
        self._abandoned = 0

    @property
    def abandoned(self) -> int:
        """The number of threads that do what nobody waits for any more."""
        return self._abandoned

    def submit(self, function: Callable[[], Any], owner: str = "") -> "Future[Any]":
        """Begin a call as soon as a thread is free and those of other owners have had their turn.

        It sees the caller's context variables. Raises: RuntimeError after `close`.
        """
        future: Future[Any] = Future()
        call = partial(contextvars.copy_context().run, function)
        with self._lock:
            self._executor.submit(self._run_next)
            self._waiting.setdefault(owner, deque()).append((future, call))
        return future

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
        with self._lock:
            for future, _ in chain.from_iterable(self._waiting.values()):
                future.cancel()
            self._waiting.clear()

    def _run_next(self) -> None:
        with self._lock:
            if not self._waiting:
                return  # it was closed meanwhile
            owner = next(iter(self._waiting))
            calls = self._waiting.pop(owner)
            future, call = calls.popleft()
            if calls:
                self._waiting[owner] = calls
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the call
            future.set_exception(error)

    def _freed(self, _future: "Future[Any]") -> None:
        with self._lock:
            self._abandoned -= 1
