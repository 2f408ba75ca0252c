"""The syncs of a folder that failed, told to every process, however late it comes.

The kernel tells of a write that failed whoever had the folder open then. Who opens it later would
build on files that are read and not on disk, and its own sync would succeed.
"""

import contextlib
from pathlib import Path

from store.shared_numbers import Noted, SharedNumbers


class FailedSyncs:
    """Counts the syncs that failed in this run of the machine, and those that were settled since.

    A failure is settled once all that may not be on disk was written again and synced. After a loss
    of power there is nothing to settle.
    """

    def __init__(self, path: Path) -> None:
        self._file = SharedNumbers(path, 2)
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

        def one_more(noted: Noted) -> tuple[int, int]:
            failed, settled = _of_this_run(noted)
            return failed + 1, settled

        try:
            self._file.change(one_more)
        except OSError:
            self._own += 1

    def settle(self, count: int) -> None:
        """Everything that was in doubt when `count` was read is on disk."""

        def settled_to(noted: Noted) -> tuple[int, int]:
            failed, settled = _of_this_run(noted)
            return failed, max(settled, min(count - self._own, failed))

        if not self.unsettled:
            return
        with contextlib.suppress(OSError):
            failed, _ = self._file.change(settled_to)
            if count == failed + self._own:
                self._own = 0

    def _read(self) -> tuple[int, int]:
        try:
            return _of_this_run(self._file.read())
        except OSError:
            return 0, 0


def _of_this_run(noted: Noted) -> tuple[int, int]:
    """Failed and settled; none of another run of the machine."""
    failed, settled = noted.numbers if noted.current else (0, 0)
    return failed, settled
