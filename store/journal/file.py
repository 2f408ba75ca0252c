"""The journal's file: SQLite in WAL mode, one row per group of records.

A group is one INSERT, so a commit takes the GIL a handful of times, not once a record.
Every record has a number; numbers grow without gaps and are never used twice.
"""

import contextlib
import random
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal, NamedTuple

from reins import jitter
from store.errors import FolderUnusableError, JournalError

Durable = Literal["power", "process"]
_SYNCHRONOUS: Mapping[Durable, str] = {"power": "FULL", "process": "NORMAL"}
BUSY_TIMEOUT_S = 10.0
ALL = 1 << 62
# What is too large for SQLite, or for memory, is the commit's failure too, not the writer's end.
_COMMIT_ERRORS = (sqlite3.Error, OverflowError, MemoryError)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record_group (
    first INTEGER PRIMARY KEY, rows INTEGER NOT NULL, tbl TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS position (id INTEGER PRIMARY KEY CHECK (id = 1), flushed INTEGER);
CREATE TABLE IF NOT EXISTS synced (tbl TEXT PRIMARY KEY, version INTEGER NOT NULL);
INSERT OR IGNORE INTO position VALUES (1, 0);
"""
_APPEND = """
INSERT INTO record_group SELECT max(
    (SELECT flushed + 1 FROM position),
    coalesce((SELECT first + rows FROM record_group ORDER BY first DESC LIMIT 1), 0)
), ?, ?, ? RETURNING first
"""


class Record(NamedTuple):
    """One row on its way: the table's name and the row as JSON."""

    table: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Group:
    """Records of one table that were committed together, numbered from `first`."""

    first: int
    rows: int
    table: str
    body: bytes

    @property
    def last(self) -> int:
        return self.first + self.rows - 1

    def lines(self) -> Iterator[tuple[int, bytes]]:
        return enumerate(self.body.split(b"\n"), self.first)


def open_for_writing(path: Path, durable: Durable) -> sqlite3.Connection:
    """A connection that appends; made if the file is missing. Raises: FolderUnusableError."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            return _opened(path, durable)
        except sqlite3.Error as error:
            # Turning a new file to WAL does not wait for another process that does the same.
            if "locked" in str(error) and time.monotonic() < deadline:
                time.sleep(jitter.between(0.005, 0.05))
                continue
            raise FolderUnusableError(
                f"the journal {path} cannot be opened: {error}. If its disk is in order, the file "
                "is damaged: restore it from a backup, or move it aside and lose what was not yet "
                "flushed."
            ) from error


def _opened(path: Path, durable: Durable) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_S
    )
    try:
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[durable]}")
        # Some builds overwrite what is deleted; the flush deletes all the time.
        connection.execute("PRAGMA secure_delete = OFF")
        with _transaction(connection):  # a reader finds all of it or nothing
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            if not identity(connection):
                own = random.getrandbits(31) | 1
                connection.execute(f"PRAGMA user_version = {own}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def identity(connection: sqlite3.Connection) -> int:
    """A number that this file was given when it was made; 0 if it is from before they were."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Read the file through once. Raises: FolderUnusableError if it is damaged."""
    try:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        found = error
    if found != "ok":
        raise FolderUnusableError(
            f"the journal {path} is damaged: {found}. Restore it from a backup, or move it aside "
            "(with its -wal and -shm) and lose what was not yet flushed."
        )


def append(connection: sqlite3.Connection, records: Iterable[Record]) -> int:
    """Commit the records as one; returns how many rows. Raises: JournalError (none is in)."""
    by_table: dict[str, list[bytes]] = defaultdict(list)
    for record in records:
        by_table[record.table].append(record.body)
    try:
        if len(by_table) == 1:
            [(table, bodies)] = by_table.items()
            _append_group(connection, table, bodies)
        else:
            with _transaction(connection):
                for table, bodies in by_table.items():
                    _append_group(connection, table, bodies)
    except _COMMIT_ERRORS as error:
        raise _failed(error) from error
    return sum(len(bodies) for bodies in by_table.values())


def append_made(connection: sqlite3.Connection, make: Callable[[], Record]) -> None:
    """Commit the record that `make` builds while nobody else can append. Raises: JournalError."""
    try:
        with _transaction(connection):
            record = make()
            _append_group(connection, record.table, [record.body])
    except _COMMIT_ERRORS as error:
        raise _failed(error) from error


def _failed(error: Exception) -> JournalError:
    return JournalError(
        f"the journal could not commit: {error}. Check that the data folder's disk has room "
        "and is writable; nothing of this commit was acknowledged."
    )


def _append_group(connection: sqlite3.Connection, table: str, bodies: Sequence[bytes]) -> None:
    connection.execute(_APPEND, (len(bodies), table, b"\n".join(bodies))).fetchall()


def groups(
    connection: sqlite3.Connection, *, after: int = 0, rows: int = ALL, size_bytes: int = ALL
) -> tuple[list[Group], bool]:
    """The oldest records numbered above `after`, until they are `rows` or hold `size_bytes`;
    whether there are more.

    Neighbours of one table come as one group: SQLite joins them in one step, without the GIL that
    a step for each of thousands would have to wait for.
    """
    heads, more = _heads(connection, after, rows, size_bytes)
    return [_joined(connection, table, list(run)) for table, run in groupby(heads, _table)], more


def groups_of(connection: sqlite3.Connection, table: str) -> list[Group]:
    """All groups of one table."""
    query = "SELECT first, rows, tbl, body FROM record_group WHERE tbl = ? ORDER BY first"
    return [Group(*line) for line in connection.execute(query, (table,))]


def _heads(
    connection: sqlite3.Connection, after: int, rows: int, size_bytes: int
) -> tuple[list[tuple[int, int, str]], bool]:
    """First number, rows and table of each group that is within the bounds; whether more are."""
    query = """
        SELECT group_concat(first || ' ' || rows || ' ' || length(body) || ' ' || tbl, char(10))
        FROM (SELECT first, rows, body, tbl FROM record_group WHERE first > ?
              ORDER BY first LIMIT ?)
    """
    (text,) = connection.execute(query, (after, min(rows, ALL))).fetchone()
    heads: list[tuple[int, int, str]] = []
    held, held_bytes = 0, 0
    for line in (text or "").splitlines():
        if held >= rows or held_bytes >= size_bytes:
            return heads, True
        first, count, length, table = line.split(" ", 3)
        heads.append((int(first), int(count), table))
        held += int(count)
        held_bytes += int(length)
    return heads, bool(heads) and heads[-1][0] + heads[-1][1] <= newest_number(connection)


def _table(head: tuple[int, int, str]) -> str:
    return head[2]


def _joined(connection: sqlite3.Connection, table: str, run: list[tuple[int, int, str]]) -> Group:
    query = """
        SELECT CAST(group_concat(CAST(body AS TEXT), char(10)) AS BLOB)
        FROM (SELECT body FROM record_group WHERE first BETWEEN ? AND ? ORDER BY first)
    """
    first, last = run[0][0], run[-1][0]
    (body,) = connection.execute(query, (first, last)).fetchone()
    return Group(first, sum(rows for _, rows, _ in run), table, body)


def forget(
    connection: sqlite3.Connection, upto: int, flushed: int, versions: Mapping[str, int]
) -> None:
    """Delete the groups that begin up to number `upto`, a part of what is in the tables for good.

    `flushed` is the highest number that is; `versions` are the tables' synced versions.
    """
    with _transaction(connection):
        connection.execute("DELETE FROM record_group WHERE first <= ?", (upto,))
        raise_flushed(connection, flushed)
        note_synced(connection, versions)


def note_synced(connection: sqlite3.Connection, versions: Mapping[str, int]) -> None:
    connection.executemany("INSERT OR REPLACE INTO synced VALUES (?, ?)", versions.items())


def synced_versions(connection: sqlite3.Connection) -> dict[str, int]:
    """Table name to the newest version that is known to be on disk."""
    return dict(connection.execute("SELECT tbl, version FROM synced").fetchall())


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


def newest_number(connection: sqlite3.Connection) -> int:
    """The highest number ever given to a record; 0 if none was."""
    query = """
        SELECT max((SELECT flushed FROM position),
            coalesce((SELECT first + rows - 1 FROM record_group ORDER BY first DESC LIMIT 1), 0))
    """
    (number,) = connection.execute(query).fetchone()
    return int(number)


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        # Also where the commit itself failed: an open transaction would fail all that follow.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
