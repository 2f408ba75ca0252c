"""The journal's file opened to append: SQLite in WAL mode, complete, no shorter than it was."""

import contextlib
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reins import jitter
from store.errors import FolderUnusableError
from store.journal import acknowledged, wal
from store.journal.acknowledged import Note

Durable = Literal["power", "process"]
_SYNCHRONOUS: Mapping[Durable, str] = {"power": "FULL", "process": "NORMAL"}
BUSY_TIMEOUT_S = 10.0
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY = 0xFF  # the rest of a code says more of the same

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record_group (
    first INTEGER PRIMARY KEY, rows INTEGER NOT NULL, tbl TEXT NOT NULL, crc INTEGER,
    keys BLOB, ends BLOB, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS position (id INTEGER PRIMARY KEY CHECK (id = 1), flushed INTEGER);
CREATE TABLE IF NOT EXISTS synced (tbl TEXT PRIMARY KEY, version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS highest (
    tbl TEXT PRIMARY KEY, version INTEGER NOT NULL, number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS data_file (
    tbl TEXT NOT NULL, path TEXT NOT NULL, size_bytes INTEGER NOT NULL, crc INTEGER NOT NULL,
    PRIMARY KEY (tbl, path));
INSERT OR IGNORE INTO position VALUES (1, 0);
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of file: its name in errors, how it is made, and what must be in it.

    `newest` asks for the highest number ever given out; `tables` are those of a whole file.
    """

    name: str
    statements: Sequence[str]
    newest: str
    tables: Sequence[str]
    page_bytes: int


JOURNAL = Layout(
    name="journal",
    statements=_SCHEMA.split(";"),
    newest="""
        SELECT max((SELECT flushed FROM position),
            coalesce((SELECT first + rows - 1 FROM record_group ORDER BY first DESC LIMIT 1), 0))
    """,
    tables=("record_group", "position"),
    page_bytes=8192,
)
Make = Callable[[sqlite3.Connection], object]
"""Completes a file that was just opened, in the transaction that makes it."""


class Appender(sqlite3.Connection):
    """A connection that appends, and notes beside the file what it has acknowledged."""

    note: Note | None = None

    def close(self) -> None:
        super().close()
        if self.note is not None:
            self.note.close()


def open_for_writing(
    path: Path,
    durable: Durable,
    *,
    proven: bool = False,
    layout: Layout = JOURNAL,
    make: Make | None = None,
) -> Appender:
    """A connection that appends; made if the file is missing.

    `proven`: its caller knows what the file has lost. Raises: FolderUnusableError.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection = _opened(path, durable, layout, make or _complete)
        except OSError as error:
            raise FolderUnusableError(
                f"the {layout.name} {path} cannot be opened: {error.strerror or error}. "
                "Check that its disk is there, writable and has room."
            ) from error
        except sqlite3.Error as error:
            # Turning a new file to WAL does not wait for another process that does the same.
            if "locked" in str(error) and time.monotonic() < deadline:
                time.sleep(jitter.between(0.005, 0.05))
                continue
            raise FolderUnusableError(f"the {layout.name} {path} {why_not(error)}") from error
        if not proven:
            _refuse_if_short(connection, path, layout)
        return connection


def why_not(error: sqlite3.Error) -> str:
    """The end of a sentence on a journal that SQLite refuses, with what to do about it.

    Only what it has read and does not understand is damage; all else is the system's.
    """
    if (getattr(error, "sqlite_errorcode", 0) & _PRIMARY) in _DAMAGED:
        return (
            f"is damaged: {error}. Restore it from a backup, or move it aside (with its -wal and "
            "-shm) and lose what was not yet flushed: see reins store repair."
        )
    return (
        f"cannot be opened: {error}. That is no damage. Check that its disk is there and has room, "
        "and that the user of the process may read and write the folder: readers have to, too."
    )


def _refuse_if_short(connection: Appender, path: Path, layout: Layout) -> None:
    """Raises: FolderUnusableError where numbers would be given out again."""
    note = acknowledged.read(path)
    newest = newest_number(connection, layout)
    if note is not None and note.binding and newest < note.number:
        connection.close()
        raise FolderUnusableError(
            f"the {layout.name} {path} ends at number {newest}, and {note.number} was "
            "acknowledged. Start the worker: it says what is missing, and what to do."
        )


def _opened(path: Path, durable: Durable, layout: Layout, make: Make) -> Appender:
    refuse_if_emptied(path)
    connection = sqlite3.connect(
        path,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_TIMEOUT_S,
        factory=Appender,
    )
    try:
        connection.note = Note(path, durable)
        connection.execute(f"PRAGMA page_size = {layout.page_bytes}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[durable]}")
        # Some builds overwrite what is deleted; the flush deletes all the time.
        connection.execute("PRAGMA secure_delete = OFF")
        with transaction(connection):  # a reader finds all of it or nothing
            for statement in layout.statements:
                connection.execute(statement)
            make(connection)
            if not identity(connection):
                own = random.getrandbits(31) | 1
                connection.execute(f"PRAGMA user_version = {own}")
    except (sqlite3.Error, OSError):
        connection.close()
        raise
    return connection


def _complete(connection: sqlite3.Connection) -> None:
    """Bring a file of an older Reins to today's columns."""
    columns = {row[1] for row in connection.execute("PRAGMA table_info(record_group)")}
    if "keys" in columns:
        return
    if "crc" not in columns:  # from before groups had a checksum
        connection.execute("ALTER TABLE record_group ADD COLUMN crc INTEGER")
    # Made again: to reach a column behind the body, SQLite reads the body.
    connection.execute("ALTER TABLE record_group RENAME TO record_group_before")
    connection.execute(_SCHEMA.split(";", maxsplit=1)[0])
    connection.execute(
        "INSERT INTO record_group (first, rows, tbl, crc, body) "
        "SELECT first, rows, tbl, crc, body FROM record_group_before"
    )
    connection.execute("DROP TABLE record_group_before")


def identity(connection: sqlite3.Connection) -> int:
    """A number that this file was given when it was made; 0 if it is from before they were."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def check(connection: sqlite3.Connection, path: Path, layout: Layout = JOURNAL) -> None:
    """Read the file through once. Raises: FolderUnusableError if it is damaged."""
    try:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise FolderUnusableError(f"the {layout.name} {path} {why_not(error)}") from error
    if found != "ok":
        raise FolderUnusableError(f"the {layout.name} {path} {why_not(_damage(str(found)))}")


def refuse_if_emptied(path: Path) -> None:
    """To be called before SQLite sees the file: of one that is empty it deletes the log, with all
    that was committed to it. Raises: sqlite3.DatabaseError.
    """
    with contextlib.suppress(FileNotFoundError):
        log = wal.log_of(path)
        # The log first: of a file that is being made there is none before there is a first page.
        if log.stat().st_size and not path.stat().st_size:
            raise _damage(f"it is empty, and its log {log.name} is not")


def _damage(what: str) -> sqlite3.DatabaseError:
    damaged = sqlite3.DatabaseError(what)
    damaged.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return damaged


def begin_anew(connection: sqlite3.Connection) -> None:
    """Empty the write-ahead log into the file: nothing of an earlier run stays behind its end."""
    connection.execute("PRAGMA busy_timeout = 0")  # readers may hold it: then the next start does
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1_000)}")


def wait_for_nobody(connection: sqlite3.Connection) -> None:
    """Fail at once where another handle appends, and leave the write-ahead log to others."""
    connection.execute("PRAGMA busy_timeout = 0")
    connection.execute("PRAGMA wal_autocheckpoint = 0")


def newest_number(connection: sqlite3.Connection, layout: Layout = JOURNAL) -> int:
    """The highest number ever given out; 0 if none was."""
    (number,) = connection.execute(layout.newest).fetchone()
    return int(number)


@contextlib.contextmanager
def one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is read in it stands as at its first query, whatever others append or forget."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        # A read that failed may have ended it: that error is the one to tell.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is done in it, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        # Also where the commit itself failed: an open transaction would fail all that follow.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
