"""The queue's file after a burst: SQLite keeps the pages of what was deleted, and a long log."""

import contextlib
import sqlite3
from pathlib import Path

from store.journal import wal

_LARGE_BYTES = 16 << 20
"""Of the file and its log together; a log alone grows to 4 MiB before it is begun anew."""
_PAGES = 1_000


def shrink(connection: sqlite3.Connection) -> None:
    """Give back what is free, once little is left. Raises: sqlite3.Error.

    Where a reader is in the way the file is as long as before, and the next call shortens it.
    """
    free, pages = (_asked(connection, name) for name in ("freelist_count", "page_count"))
    if pages - free > _PAGES:  # it is written anew while nobody commits: some ten milliseconds
        return
    if free > _PAGES:
        connection.execute("PRAGMA temp_store = MEMORY")  # nothing of it in a folder of others
        connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def is_large(path: Path) -> bool:
    size_bytes = 0
    for each in (path, wal.log_of(path)):
        with contextlib.suppress(FileNotFoundError):  # the last handle that is closed takes the log
            size_bytes += each.stat().st_size
    return size_bytes > _LARGE_BYTES


def _asked(connection: sqlite3.Connection, name: str) -> int:
    (number,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(number)
