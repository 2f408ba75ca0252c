"""The barrier between what is written and what is on disk: one sync for a whole file system."""

import ctypes
import os
import sys
from pathlib import Path


class Barrier:
    """Syncs the file system of a folder. Opened before the writes that it is for, by one thread.

    The kernel tells once of a write that failed, to those who had a descriptor open then, and
    takes what could not be written for clean. So a sync that failed proves nothing when it is
    repeated: whoever gets its error does the writes again.

    Source: syncfs(2); "PostgreSQL's fsync() surprise", LWN, 2018.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)

    def sync(self) -> None:
        """Return once everything written before is on disk. Raises: OSError."""
        _sync_file_system(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


if sys.platform == "linux":
    _libc = ctypes.CDLL(None, use_errno=True)

    def _sync_file_system(descriptor: int) -> None:
        # syncfs: one call for all files of a LanceDB commit, a tenth of the cost of one by one.
        if _libc.syncfs(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))

else:

    def _sync_file_system(descriptor: int) -> None:
        del descriptor
        os.sync()
