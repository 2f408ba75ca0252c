"""Locks of a data folder that all threads and processes of a machine share."""

import contextlib
import fcntl
import os
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

from reins import jitter
from store.errors import StoreError

WAIT_S = 30.0


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of a file, which is made, for the duration; it goes with the process.

    Raises: StoreError, where another holds it for `WAIT_S`, or the file cannot be locked.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        _acquire(descriptor, path)
        yield
    finally:
        os.close(descriptor)  # which gives the lock back


class Shared:
    """A share of a lock; it is given back with `close`, or when nobody has this object any more."""

    def __init__(self, descriptor: int) -> None:
        self._close = weakref.finalize(self, os.close, descriptor)

    def close(self) -> None:
        self._close()


def share(path: Path) -> Shared | None:
    """Share the lock of a file; None where there is no such file, or it cannot be locked.

    Needs no right to write. For locks that nobody keeps alone: others only look with `is_shared`.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    except OSError:  # a file system without locks
        os.close(descriptor)
        return None
    return Shared(descriptor)


def is_shared(path: Path) -> bool:
    """True while anybody shares the lock of the file, which is made."""
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _acquire(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            # Not waiting in the kernel: a process that was stopped must not stop all others.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise StoreError(
                    f"{path} has been locked by another process for {WAIT_S:g} s. Is one of "
                    "them stopped? Let it go on, or end it, and send this again."
                ) from None
            time.sleep(jitter.between(0.001, 0.01))
        except OSError as error:
            raise _unusable(path, error) from error
        else:
            return


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} cannot be locked: {error.strerror or error}. "
        "Check the folder's permissions and its disk."
    )
