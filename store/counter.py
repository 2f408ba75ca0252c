"""A counter that all processes of a machine share: a small file, changed under its lock."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from store.boot import boot_id


class Counter:
    """Gives out numbers that grow, each once.

    The file is not synced. After a loss of power it may be behind, so in each run of the machine
    the first to take a number asks `used` for the highest that is in use.
    """

    def __init__(self, path: Path, used: Callable[[], int]) -> None:
        self._path = path
        self._used = used

    def take(self, count: int) -> int:
        """The first of `count` numbers that follow each other. Raises: OSError."""
        boot = boot_id() or "-"
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            noted_boot, taken = _parsed(os.pread(descriptor, 200, 0))
            if noted_boot != boot:
                taken = max(taken, self._used())
            os.pwrite(descriptor, f"{boot} {taken + count:020}\n".encode(), 0)
        finally:
            os.close(descriptor)  # which gives the lock back
        return taken + 1


def _parsed(content: bytes) -> tuple[str, int]:
    try:
        boot, taken = content.decode().split()
        return boot, int(taken)
    except ValueError:
        return "", 0
