"""The journal's file: SQLite in WAL mode, one row per group of records.

A group is one INSERT, and has up to 256 records: a commit takes the GIL a handful of times.
Every record has a number; numbers grow without gaps and are never used twice.
"""

import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple

from reins import redaction
from store.errors import JournalError
from store.journal import keys
from store.journal.notes import note_synced
from store.journal.opening import Appender, newest_number, one_moment, transaction

ALL = 1 << 62
_MOST_ROWS = 256
"""Rows of a group: who reads one of them in another process has SQLite walk the pages before it."""
# What is too large for SQLite, or for memory, is the commit's failure too, not the writer's end.
_COMMIT_ERRORS = (sqlite3.Error, OverflowError, MemoryError)

_APPEND = """
INSERT INTO record_group (first, rows, tbl, crc, keys, ends, body) SELECT max(
    (SELECT flushed + 1 FROM position),
    coalesce((SELECT first + rows FROM record_group ORDER BY first DESC LIMIT 1), 0)
), ?, ?, ?, ?, ?, ? RETURNING first
"""


class Record(NamedTuple):
    """One row on its way: the table's name, the row as JSON, and what readers ask for it by.

    `key` is the value of the table's `read_by` column; a row without one is looked at by all.
    """

    table: str
    body: bytes
    key: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Records of one table that were committed together, numbered from `first`.

    `whole` is false where the body is not what was committed. `keys` are the digests of its rows'
    keys, `ends` says where each row ends, where that is known: see `store.journal.keys`.
    """

    first: int
    rows: int
    table: str
    body: bytes
    whole: bool = True
    keys: bytes = b""
    ends: bytes = b""

    @property
    def last(self) -> int:
        return self.first + self.rows - 1

    def lines(self) -> Iterator[tuple[int, bytes]]:
        return enumerate(self.body.split(b"\n"), self.first)


def append(connection: sqlite3.Connection, records: Iterable[Record]) -> list[Group]:
    """Commit the records as one, in groups of one table each. Raises: JournalError (none is in)."""
    by_table: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_table[record.table].append(record)
    parts = [
        (table, same[at : at + _MOST_ROWS])
        for table, same in by_table.items()
        for at in range(0, len(same), _MOST_ROWS)
    ]
    try:
        # One INSERT is a transaction by itself.
        with transaction(connection) if len(parts) > 1 else nullcontext():
            groups = [_append_group(connection, *part) for part in parts]
    except _COMMIT_ERRORS as error:
        raise _failed(error) from error
    if groups:
        _note(connection, groups[-1].last)
    return groups


def append_made(connection: sqlite3.Connection, make: Callable[[], Record]) -> Group:
    """Commit the record that `make` builds while nobody else can append. Raises: JournalError."""
    try:
        with transaction(connection):
            record = make()
            group = _append_group(connection, record.table, [record])
    except _COMMIT_ERRORS as error:
        raise _failed(error) from error
    _note(connection, group.last)
    return group


def _note(connection: sqlite3.Connection, last: int) -> None:
    if isinstance(connection, Appender) and connection.note is not None:
        connection.note.write(last)


def _failed(error: Exception) -> JournalError:
    return JournalError(
        f"the journal could not commit: {error}. Check that the data folder's disk has room "
        "and is writable; nothing of this commit was acknowledged."
    )


def _append_group(connection: sqlite3.Connection, table: str, records: Sequence[Record]) -> Group:
    lines = [record.body for record in records]
    joined = b"\n".join(lines)
    # Here, where every row passes: what is to be kept for good holds no key.
    body = redaction.redactor().rows(joined)
    if body is not joined:
        lines = body.split(b"\n")
    digests, ends = keys.packed(record.key for record in records), keys.ends(lines)
    values = (len(lines), table, zlib.crc32(body), digests, ends, body)
    [(first,)] = connection.execute(_APPEND, values).fetchall()
    return Group(int(first), len(lines), table, body, keys=digests, ends=ends)


def groups(
    connection: sqlite3.Connection, *, after: int = 0, rows: int = ALL, size_bytes: int = ALL
) -> tuple[list[Group], bool]:
    """The oldest records numbered above `after`, until they are `rows` or hold `size_bytes`;
    whether there are more.

    Neighbours of one table come as one group: SQLite joins them in one step, without the GIL that
    a step for each of thousands would have to wait for.
    """
    with one_moment(connection):
        heads, more = _heads(connection, after, rows, size_bytes)
        return [group for run in _runs(heads) for group in _joined(connection, run)], more


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
        SELECT CAST(group_concat(CAST(body AS TEXT), char(10)) AS BLOB),
               group_concat(hex(coalesce(keys, zeroblob(8 * rows))), '')
        FROM (SELECT body, keys, rows FROM record_group WHERE first BETWEEN ? AND ? ORDER BY first)
    """
    body, digests = connection.execute(query, (run[0].first, run[-1].first)).fetchone()
    if _whole(run, body):
        rows = sum(head.rows for head in run)
        return [Group(run[0].first, rows, run[0].table, body, keys=bytes.fromhex(digests))]
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
    connection: sqlite3.Connection,
    upto: int,
    flushed: int,
    versions: Mapping[str, int],
    highest: Mapping[str, int],
) -> None:
    """Delete the groups that begin up to number `upto`, a part of what is in the tables for good.

    `flushed` is the highest number that is; `versions` are the tables' synced versions, `highest`
    the numbers that they hold.
    """
    with transaction(connection):
        connection.execute("DELETE FROM record_group WHERE first <= ?", (upto,))
        raise_flushed(connection, flushed)
        note_synced(connection, versions, highest)


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
