"""A bell heard on a loop without a thread: the kernel tells the loop that its file was written to.

By inotify(7), of Linux alone. `watchdog` takes three threads for it, and 80 µs for each ring.
"""

import asyncio
import contextlib
import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path

_IN_MODIFY = 0x2
_EVENTS_BYTES = 4096


class Bell:
    """Calls `rung` on the loop at the first ring; all that come before `again` are one with it.

    For its loop's thread.
    """

    def __init__(
        self, path: Path, loop: asyncio.AbstractEventLoop, rung: Callable[[], object]
    ) -> None:
        """The file must be there. Raises: OSError, also where the system has no inotify."""
        self._loop, self._rung = loop, rung
        self._hears = False
        self._descriptor = _watching(path)
        try:
            self.again()
        except BaseException:
            os.close(self._descriptor)
            raise

    def again(self) -> None:
        """Hear the next ring; whatever rang until now is known."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._descriptor, _EVENTS_BYTES)
        if not self._hears:
            self._hears = True
            self._loop.add_reader(self._descriptor, self._heard)

    def close(self) -> None:
        self._hear_nothing()
        os.close(self._descriptor)

    def _heard(self) -> None:
        self._hear_nothing()
        self._rung()

    def _hear_nothing(self) -> None:
        self._hears = False
        self._loop.remove_reader(self._descriptor)


def _watching(path: Path) -> int:
    """A descriptor that can be read when the file was written to. Raises: OSError."""
    if sys.platform != "linux":
        raise OSError(f"{sys.platform} has no inotify")
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0:
        raise _error("inotify_init1")
    if libc.inotify_add_watch(descriptor, os.fsencode(path), _IN_MODIFY) < 0:
        error = _error(f"a watch on {path}")
        os.close(descriptor)
        raise error
    return int(descriptor)


def _error(doing: str) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, f"{doing}: {os.strerror(code)}")
