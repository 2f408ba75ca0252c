"""Reads of the journal's file from any process, beside its writer."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from store.errors import FolderUnusableError
from store.journal.log import SqliteLog
from store.journal.opening import BUSY_TIMEOUT_S, refuse_if_emptied, why_not


@contextlib.contextmanager
def open_for_reading(path: Path) -> Iterator[SqliteLog | None]:
    """A handle of its own for one read, which sees one moment of the file.

    None where there is no journal yet. No handle outlives a folder that was replaced, and a read
    makes no file.

    Raises: FolderUnusableError, also for an SQLite error of the caller's queries.
    """
    if not path.exists():
        yield None
        return
    connection: sqlite3.Connection | None = None
    try:
        connection = _open(path)
        made = "SELECT count(*) FROM sqlite_master WHERE name = 'record_group'"
        (there,) = connection.execute(made).fetchone()
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        if path.exists():
            raise _unreadable(path, error) from error
        yield None
        return
    try:
        yield SqliteLog(connection) if there else None
    except sqlite3.Error as error:
        if path.exists():
            raise _unreadable(path, error) from error
        raise
    finally:
        connection.close()


@contextlib.contextmanager
def open_for_others(path: Path) -> Iterator[None]:
    """For the duration a process that may not write beside the file can read it: SQLite's readers
    share a file for their locks, which somebody has to have made. No moment is held.

    Raises: FolderUnusableError.
    """
    connection: sqlite3.Connection | None = None
    if path.exists():
        try:
            connection = _connected(path)
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            if path.exists():
                raise _unreadable(path, error) from error
    try:
        yield
    finally:
        if connection is not None:
            connection.close()


def _open(path: Path) -> sqlite3.Connection:
    connection = _connected(path)
    try:
        # A row written or flushed between two queries would be missed by both.
        connection.execute("BEGIN")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _connected(path: Path) -> sqlite3.Connection:
    refuse_if_emptied(path)
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S
    )
    try:
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _unreadable(path: Path, error: sqlite3.Error) -> FolderUnusableError:
    return FolderUnusableError(f"the journal {path} {why_not(error)}")
