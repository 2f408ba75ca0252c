"""A few numbers that all processes of a machine share: a small file, changed under its lock."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from store.boot import boot_id

_READ_BYTES = 200


class Noted(NamedTuple):
    """The numbers that stand there; `current` is false for those of another run of the machine."""

    numbers: tuple[int, ...]
    current: bool


class SharedNumbers:
    """`count` numbers in a file, all zero at first.

    The file is not synced: after a loss of power it may be behind, so it says in which run of the
    machine it was written.
    """

    def __init__(self, path: Path, count: int) -> None:
        self._path = path
        self._count = count
        self._boot = boot_id() or "-"

    def read(self) -> Noted:
        """The numbers. Raises: OSError, also where there is no file."""
        return self._parsed(self._path.read_bytes())

    def change(self, new: Callable[[Noted], tuple[int, ...]]) -> tuple[int, ...]:
        """Put what `new` makes of the numbers in their place; no other process does meanwhile.

        Returns the new ones. Raises: OSError.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            numbers = new(self._parsed(os.pread(descriptor, _READ_BYTES, 0)))
            line = " ".join([self._boot, *(f"{number:020}" for number in numbers)])
            os.pwrite(descriptor, f"{line}\n".encode(), 0)
        finally:
            os.close(descriptor)  # which gives the lock back
        return numbers

    def _parsed(self, content: bytes) -> Noted:
        line, _, _ = content.partition(b"\n")  # a longer one may have stood there
        try:
            boot, *rest = line.decode().split()
            numbers = tuple(map(int, rest))
        except ValueError:
            boot, numbers = "", ()
        if len(numbers) != self._count:
            return Noted((0,) * self._count, current=False)
        return Noted(numbers, current=boot == self._boot)
