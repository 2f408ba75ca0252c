"""The barrier between what is written and what is on disk: one sync for a whole file system."""

import ctypes
import errno
import os
import sys
from typing import Protocol

from store.failed_syncs import FailedSyncs


class Synced(Protocol):
    """A folder, as its barriers know it."""

    failed_syncs: FailedSyncs

    def sync(self) -> None: ...


class Barrier:
    """Proves one writer's writes: everything since the sync before is on disk, or none of it.

    The kernel tells of a write that failed once to each descriptor, and takes what could not be
    written for clean. So a sync that failed proves nothing when it is repeated: each who has
    written since the last one that succeeded does its writes again, whoever got the error.

    Source: syncfs(2); "PostgreSQL's fsync() surprise", LWN, 2018.
    """

    def __init__(self, folder: Synced) -> None:
        self._folder = folder
        self._failed = folder.failed_syncs.count

    def sync(self) -> None:
        """Return once everything written before is on disk. Raises: OSError."""
        before = self._failed
        try:
            self._folder.sync()
        finally:
            self._failed = self._folder.failed_syncs.count
        # Asked after the sync: another writer's may have failed while this one waited for it.
        if before != self._failed:
            raise OSError(errno.EIO, "a sync failed after this was written")


if sys.platform == "linux":
    _libc = ctypes.CDLL(None, use_errno=True)

    def sync_file_system(descriptor: int) -> None:
        """Sync the file system of an open file. Raises: OSError."""
        # syncfs: one call for all files of a LanceDB commit, a tenth of the cost of one by one.
        if _libc.syncfs(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))

else:

    def sync_file_system(descriptor: int) -> None:
        """Sync all file systems."""
        del descriptor
        os.sync()
