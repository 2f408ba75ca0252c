"""The watch on the queue: what other processes commit is heard of without a query."""

import contextlib
import ctypes
import os
import select
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import structlog

from store.journal import acknowledged
from store.queue import TABLE

_logger = structlog.get_logger(__name__)
_BELL = "queue.bell"
_MODIFY, _MOVED_TO, _CREATE = 0x2, 0x80, 0x100  # inotify(7)
_READ_BYTES = 1 << 16


class Bell:
    """Rung by a process that has enqueued and has no worker to hand its actions to."""

    def __init__(self, folder: Path) -> None:
        """Raises: OSError."""
        self._descriptor = os.open(folder / _BELL, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def ring(self) -> None:
        with contextlib.suppress(OSError):  # the worker looks by itself, a little later
            os.pwrite(self._descriptor, b"\n", 0)

    def close(self) -> None:
        os.close(self._descriptor)


Of = Literal["enqueued", "committed", "table"]
"""Another process has enqueued; anybody has committed to the file; a version of the table."""


def watch(folder: Path, wake: Callable[[], object], of: Of) -> Callable[[], None]:
    """Call `wake`, from a thread, each time that it happens; returns what ends that.

    Costs nothing while nothing happens. Where it cannot be, a safety poll has to do.
    """
    try:
        if of == "table":
            versions = folder / f"{TABLE.name}.lance" / "_versions"
            return _Watch(wake, versions, _CREATE | _MOVED_TO).end
        note = acknowledged.path_of(folder / "queue.sqlite")
        rung = folder / _BELL if of == "enqueued" else note
        rung.touch(0o600)
        return _Watch(wake, rung, _MODIFY).end
    except OSError as error:
        _logger.warning("the queue is polled, not watched", error=str(error)[:300])
        return lambda: None


class _Watch:
    """A thread that waits for the kernel to tell of a file or folder."""

    def __init__(self, wake: Callable[[], object], path: Path, mask: int) -> None:
        """Raises: OSError."""
        self._wake = wake
        self._inotify = _inotify(path, mask)
        self._ended, self._ends = os.pipe()
        self._thread = threading.Thread(target=self._run, name="queue watch", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        poll = select.poll()
        for descriptor in (self._inotify, self._ended):
            poll.register(descriptor, select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _ in poll.poll()]
            if self._ended in ready:
                return
            os.read(self._inotify, _READ_BYTES)  # all that has gathered is one call
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._wake()

    def end(self) -> None:
        os.write(self._ends, b"\n")
        self._thread.join()
        for descriptor in (self._inotify, self._ended, self._ends):
            os.close(descriptor)


def _inotify(path: Path, mask: int) -> int:
    """A descriptor of the kernel's events. Raises: OSError."""
    if sys.platform != "linux":
        raise OSError("there is no inotify on this system")
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor: int = libc.inotify_init1(os.O_CLOEXEC)
    if descriptor < 0:
        raise _failed("inotify")
    if libc.inotify_add_watch(descriptor, os.fsencode(path), mask) < 0:
        error = _failed(str(path))
        os.close(descriptor)
        raise error
    return descriptor


def _failed(what: str) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code), what)
