"""Threads for tools that block. A hung one holds up neither the pool of asyncio nor the exit.

Threads of an executor are joined when the process ends: a tool that never returns would keep it.
"""

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
_IDLE_S = 10.0
_Work = tuple["Future[Any]", Callable[[], Any]]


class _Thread(threading.Thread):
    """Does one piece of work after the other, until it has been idle for a while."""

    def __init__(self, idle: "list[_Thread]", lock: threading.Lock) -> None:
        super().__init__(name="tool", daemon=True)
        self.work: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        self._idle = idle
        self._lock = lock

    def run(self) -> None:
        while True:
            try:
                future, function = self.work.get(timeout=_IDLE_S)
            except queue.Empty:
                with self._lock:
                    if self not in self._idle:
                        continue  # taken this moment: its work is on the way
                    self._idle.remove(self)
                return
            result = _done(future, function)
            with self._lock:
                self._idle.append(self)  # before whoever waits can have more work
            _settle(future, result)
            del future, function, result


class _Raised:
    """An exception of the work, fit to be raised again in a task."""

    def __init__(self, error: BaseException) -> None:
        if not isinstance(error, Exception) or isinstance(error, StopIteration):
            # A future takes no StopIteration, and SystemExit would end the loop.
            kind = type(error).__name__
            self.error: Exception = RuntimeError(f"{kind} {error}".strip())
            self.error.__cause__ = error
        else:
            self.error = error


def _done(future: "Future[Any]", function: Callable[[], Any]) -> Any:
    if not future.set_running_or_notify_cancel():
        return None
    try:
        return function()
    except BaseException as error:  # noqa: BLE001 - whoever waits gets it
        return _Raised(error)


def _settle(future: "Future[Any]", result: Any) -> None:
    if future.cancelled():
        return
    if isinstance(result, _Raised):
        future.set_exception(result.error)
    else:
        future.set_result(result)


class Threads:
    """A pool that grows as it must: who calls bounds how many calls there are at once."""

    def __init__(self) -> None:
        self._idle: list[_Thread] = []
        self._lock = threading.Lock()

    def submit(self, function: Callable[[], T]) -> "Future[T]":
        """Begin the work. Raises: RuntimeError where no thread can be had."""
        future: Future[T] = Future()
        with self._lock:
            thread = self._idle.pop() if self._idle else None
        if thread is None:
            thread = _Thread(self._idle, self._lock)
            thread.start()
        thread.work.put((future, function))
        return future


_threads = Threads()
"""Of the process, as threads are."""


async def in_thread(function: Callable[[], T]) -> T:
    """The function's result, from a thread; it sees this task's context variables.

    Cancelled, this returns at once and the thread goes on to its end.
    """
    context = contextvars.copy_context()
    return await asyncio.wrap_future(_threads.submit(lambda: context.run(function)))
