"""Small notes beside the log's rows: what of the tables is on disk, and their files' checksums."""

import sqlite3
from collections.abc import Mapping, Sequence

from store.journal.opening import transaction
from store.lance.sums import Sum, Sums


def note_synced(
    connection: sqlite3.Connection, versions: Mapping[str, int], highest: Mapping[str, int]
) -> None:
    """Note versions that are on disk, each with the highest number in it where that is known."""
    connection.executemany("INSERT OR REPLACE INTO synced VALUES (?, ?)", versions.items())
    # In a table of its own: an older Reins notes the version alone, and the two differ then.
    rows = [(name, versions[name], highest[name]) for name in versions if name in highest]
    connection.executemany("INSERT OR REPLACE INTO highest VALUES (?, ?, ?)", rows)


def synced_versions(connection: sqlite3.Connection) -> dict[str, int]:
    """Table name to the newest version that is known to be on disk."""
    return dict(connection.execute("SELECT tbl, version FROM synced").fetchall())


def highest_numbers(connection: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """Table name to a version that was noted, and the highest number in it."""
    query = "SELECT tbl, version, number FROM highest"
    return {table: (version, number) for table, version, number in connection.execute(query)}


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
