"""Locks of a data folder that all threads and processes of a machine share."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from reins import jitter
from store.errors import StoreError

_WAIT_S = 30.0


@contextlib.contextmanager
def held(path: Path, timeout_s: float = _WAIT_S) -> Iterator[None]:
    """Hold the lock of a file, which is made, for the duration; it goes with the process.

    Raises: StoreError, where another holds it for `timeout_s`, or the file cannot be locked.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        _acquire(descriptor, path, timeout_s)
        yield
    finally:
        os.close(descriptor)  # which gives the lock back


def _acquire(descriptor: int, path: Path, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            # Not waiting in the kernel: a process that was stopped must not stop all others.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise StoreError(
                    f"{path} has been locked by another process for {timeout_s:g} s. Is one of "
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
