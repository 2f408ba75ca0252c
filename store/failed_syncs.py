"""The syncs of a folder that failed, told to every process, however late it comes.

The kernel tells of a write that failed whoever had the folder open then. Who opens it later would
build on files that are read and not on disk, and its own sync would succeed.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from store.boot import boot_id


class FailedSyncs:
    """Counts the syncs that failed in this run of the machine, and those that were settled since.

    A failure is settled once all that may not be on disk was written again and synced. The numbers
    lie in a small file that is not synced: after a loss of power there is nothing to settle.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._boot = boot_id() or "-"
        self._own = 0
        """Failures that could not be told to others."""

    @property
    def count(self) -> int:
        return self._read()[0] + self._own

    @property
    def unsettled(self) -> bool:
        failed, settled = self._read()
        return settled < failed or bool(self._own)

    def add(self) -> None:
        """A sync failed. Where even that cannot be noted, this process alone knows it."""
        try:
            with self._locked() as descriptor:
                failed, settled = _parsed(os.pread(descriptor, 200, 0), self._boot)
                self._write(descriptor, failed + 1, settled)
        except OSError:
            self._own += 1

    def settle(self, count: int) -> None:
        """Everything that was in doubt when `count` was read is on disk."""
        if not self.unsettled:
            return
        with contextlib.suppress(OSError), self._locked() as descriptor:
            failed, settled = _parsed(os.pread(descriptor, 200, 0), self._boot)
            self._write(descriptor, failed, max(settled, min(count - self._own, failed)))
            if count == failed + self._own:
                self._own = 0

    def _read(self) -> tuple[int, int]:
        try:
            return _parsed(self._path.read_bytes(), self._boot)
        except OSError:
            return 0, 0

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)  # which gives the lock back

    def _write(self, descriptor: int, failed: int, settled: int) -> None:
        os.pwrite(descriptor, f"{self._boot} {failed:020} {settled:020}\n".encode(), 0)


def _parsed(content: bytes, boot: str) -> tuple[int, int]:
    """Failed and settled; none of another run of the machine."""
    try:
        line, _, _ = content.partition(b"\n")  # a longer one may have stood there
        noted, failed, settled = line.decode().split()
        return (int(failed), int(settled)) if noted == boot else (0, 0)
    except ValueError:
        return 0, 0
