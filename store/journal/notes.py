"""Small notes beside the log's rows: what of the tables is on disk, and their files' checksums."""

import sqlite3
from collections.abc import Mapping, Sequence

from store.journal.opening import transaction
from store.lance.sums import Sum, Sums


def note_synced(
    connection: sqlite3.Connection, versions: Mapping[str, int], highest: Mapping[str, int]
) -> None:
    """Note versions that are on disk, each with the highest number in it where that is known."""
    rows = [(name, version, highest.get(name)) for name, version in versions.items()]
    connection.executemany("INSERT OR REPLACE INTO synced VALUES (?, ?, ?)", rows)


def synced_versions(connection: sqlite3.Connection) -> dict[str, int]:
    """Table name to the newest version that is known to be on disk."""
    return dict(connection.execute("SELECT tbl, version FROM synced").fetchall())


def synced_highest(connection: sqlite3.Connection) -> dict[str, int]:
    """Table name to the highest number in that version, of those where it was noted."""
    query = "SELECT tbl, highest FROM synced WHERE highest IS NOT NULL"
    return dict(connection.execute(query).fetchall())


def note_files(connection: sqlite3.Connection, new: Sums, gone: Sequence[tuple[str, str]]) -> None:
    """Note the checksums of files that are on disk, and drop those of files that are gone."""
    with transaction(connection):
        connection.executemany("DELETE FROM data_file WHERE tbl = ? AND path = ?", gone)
        connection.executemany(
            "INSERT OR REPLACE INTO data_file VALUES (?, ?, ?, ?)",
            [(*key, *value) for key, value in new.items()],
        )


def noted_files(connection: sqlite3.Connection) -> dict[tuple[str, str], Sum]:
    """Checksums by table and path, the oldest first."""
    query = "SELECT tbl, path, size_bytes, crc FROM data_file ORDER BY rowid"
    return {(table, path): Sum(size, crc) for table, path, size, crc in connection.execute(query)}
