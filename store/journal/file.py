"""The journal's file: SQLite in WAL mode, one row per group of records.

A group is one INSERT, so a commit takes the GIL a handful of times, not once a record.
Every record has a number; numbers grow without gaps and are never used twice.
"""

import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reins import redaction
from store.errors import JournalError
from store.journal.opening import Appender, newest_number, transaction
from store.lance.sums import Sum, Sums

ALL = 1 << 62
# What is too large for SQLite, or for memory, is the commit's failure too, not the writer's end.
_COMMIT_ERRORS = (sqlite3.Error, OverflowError, MemoryError)

_APPEND = """
INSERT INTO record_group (first, rows, tbl, body, crc) SELECT max(
    (SELECT flushed + 1 FROM position),
    coalesce((SELECT first + rows FROM record_group ORDER BY first DESC LIMIT 1), 0)
), ?, ?, ?, ? RETURNING first
"""


class Record(NamedTuple):
    """One row on its way: the table's name and the row as JSON."""

    table: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Group:
    """Records of one table that were committed together, numbered from `first`.

    `whole` is false where the body is not what was committed.
    """

    first: int
    rows: int
    table: str
    body: bytes
    whole: bool = True

    @property
    def last(self) -> int:
        return self.first + self.rows - 1

    def lines(self) -> Iterator[tuple[int, bytes]]:
        return enumerate(self.body.split(b"\n"), self.first)


def append(connection: sqlite3.Connection, records: Iterable[Record]) -> int:
    """Commit the records as one; returns how many rows. Raises: JournalError (none is in)."""
    by_table: dict[str, list[bytes]] = defaultdict(list)
    for record in records:
        by_table[record.table].append(record.body)
    try:
        if len(by_table) == 1:
            [(table, bodies)] = by_table.items()
            last = _append_group(connection, table, bodies)
        else:
            last = 0
            with transaction(connection):
                for table, bodies in by_table.items():
                    last = _append_group(connection, table, bodies)
    except _COMMIT_ERRORS as error:
        raise _failed(error) from error
    _note(connection, last)
    return sum(len(bodies) for bodies in by_table.values())


def append_made(connection: sqlite3.Connection, make: Callable[[], Record]) -> None:
    """Commit the record that `make` builds while nobody else can append. Raises: JournalError."""
    try:
        with transaction(connection):
            record = make()
            last = _append_group(connection, record.table, [record.body])
    except _COMMIT_ERRORS as error:
        raise _failed(error) from error
    _note(connection, last)


def _note(connection: sqlite3.Connection, last: int) -> None:
    if isinstance(connection, Appender) and connection.note is not None:
        connection.note.write(last)


def _failed(error: Exception) -> JournalError:
    return JournalError(
        f"the journal could not commit: {error}. Check that the data folder's disk has room "
        "and is writable; nothing of this commit was acknowledged."
    )


def _append_group(connection: sqlite3.Connection, table: str, bodies: Sequence[bytes]) -> int:
    """Returns the number of the last."""
    # Here, where every row passes: what is to be kept for good holds no key.
    body = redaction.redactor().rows(b"\n".join(bodies))
    values = (len(bodies), table, body, zlib.crc32(body))
    [(first,)] = connection.execute(_APPEND, values).fetchall()
    return int(first) + len(bodies) - 1


def groups(
    connection: sqlite3.Connection, *, after: int = 0, rows: int = ALL, size_bytes: int = ALL
) -> tuple[list[Group], bool]:
    """The oldest records numbered above `after`, until they are `rows` or hold `size_bytes`;
    whether there are more.

    Neighbours of one table come as one group: SQLite joins them in one step, without the GIL that
    a step for each of thousands would have to wait for.
    """
    heads, more = _heads(connection, after, rows, size_bytes)
    return [group for run in _runs(heads) for group in _joined(connection, run)], more


def groups_of(connection: sqlite3.Connection, table: str) -> list[Group]:
    """All groups of one table."""
    query = """
        SELECT first, rows, tbl, CAST(body AS BLOB), crc FROM record_group
        WHERE tbl = ? ORDER BY first
    """
    return [
        Group(first, rows, tbl, body, whole=crc in (None, zlib.crc32(body)))
        for first, rows, tbl, body, crc in connection.execute(query, (table,))
    ]


class _Head(NamedTuple):
    """A group without its body."""

    first: int
    rows: int
    size_bytes: int
    crc: int
    table: str


def _heads(
    connection: sqlite3.Connection, after: int, rows: int, size_bytes: int
) -> tuple[list[_Head], bool]:
    """The groups that are within the bounds; whether there are more."""
    query = """
        SELECT group_concat(first || ' ' || rows || ' ' || length(body) || ' ' ||
                            coalesce(crc, -1) || ' ' || tbl, char(10))
        FROM (SELECT first, rows, body, crc, tbl FROM record_group WHERE first > ?
              ORDER BY first LIMIT ?)
    """
    (text,) = connection.execute(query, (after, min(rows, ALL))).fetchone()
    heads: list[_Head] = []
    held, held_bytes = 0, 0
    for line in (text or "").splitlines():
        if held >= rows or held_bytes >= size_bytes:
            return heads, True
        first, count, length, crc, table = line.split(" ", 4)
        heads.append(_Head(int(first), int(count), int(length), int(crc), table))
        held += int(count)
        held_bytes += int(length)
    return heads, bool(heads) and heads[-1].first + heads[-1].rows <= newest_number(connection)


def _runs(heads: list[_Head]) -> list[list[_Head]]:
    """Neighbours of one table; numbers have a gap where some were lost."""
    runs: list[list[_Head]] = []
    for head in heads:
        before = runs[-1][-1] if runs else None
        if before and before.table == head.table and before.first + before.rows == head.first:
            runs[-1].append(head)
        else:
            runs.append([head])
    return runs


def _joined(connection: sqlite3.Connection, run: list[_Head]) -> list[Group]:
    """Neighbours as one group; each on its own where one of them is not what it was."""
    query = """
        SELECT CAST(group_concat(CAST(body AS TEXT), char(10)) AS BLOB)
        FROM (SELECT body FROM record_group WHERE first BETWEEN ? AND ? ORDER BY first)
    """
    (body,) = connection.execute(query, (run[0].first, run[-1].first)).fetchone()
    if _whole(run, body):
        return [Group(run[0].first, sum(head.rows for head in run), run[0].table, body)]
    query = "SELECT CAST(body AS BLOB) FROM record_group WHERE first = ?"
    groups = []
    for head in run:
        (own,) = connection.execute(query, (head.first,)).fetchone()
        whole = head.crc in (-1, zlib.crc32(own))
        groups.append(Group(head.first, head.rows, head.table, own, whole))
    return groups


def _whole(run: list[_Head], body: bytes) -> bool:
    at, view = 0, memoryview(body)
    for head in run:
        if head.crc not in (-1, zlib.crc32(view[at : at + head.size_bytes])):
            return False
        at += head.size_bytes + 1
    return True


def forget(
    connection: sqlite3.Connection, upto: int, flushed: int, versions: Mapping[str, int]
) -> None:
    """Delete the groups that begin up to number `upto`, a part of what is in the tables for good.

    `flushed` is the highest number that is; `versions` are the tables' synced versions.
    """
    with transaction(connection):
        connection.execute("DELETE FROM record_group WHERE first <= ?", (upto,))
        raise_flushed(connection, flushed)
        note_synced(connection, versions)


def note_synced(connection: sqlite3.Connection, versions: Mapping[str, int]) -> None:
    connection.executemany("INSERT OR REPLACE INTO synced VALUES (?, ?)", versions.items())


def synced_versions(connection: sqlite3.Connection) -> dict[str, int]:
    """Table name to the newest version that is known to be on disk."""
    return dict(connection.execute("SELECT tbl, version FROM synced").fetchall())


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


def raise_flushed(connection: sqlite3.Connection, number: int) -> None:
    """Numbers up to `number` are in the tables: never give them out again."""
    connection.execute("UPDATE position SET flushed = max(flushed, ?)", (number,))


def pending_rows(connection: sqlite3.Connection) -> int:
    # Numbers have no gaps, so nothing needs counting.
    query = """
        SELECT coalesce((SELECT first + rows FROM record_group ORDER BY first DESC LIMIT 1), 0)
             - coalesce((SELECT first FROM record_group ORDER BY first LIMIT 1), 0)
    """
    (rows,) = connection.execute(query).fetchone()
    return int(rows)
