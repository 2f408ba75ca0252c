"""The journal's log as the store uses it: a protocol, and its form in an SQLite file.

Everything above the log knows the protocol alone, so that another form may take its place.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from store.journal import file as journal_file
from store.journal import opening
from store.journal.file import Group, Record
from store.journal.opening import Durable
from store.lance.sums import Sum, Sums


class Log(Protocol):
    """Records in the order of their commit, numbered from 1 without gaps, until they are forgotten.

    A handle is for one thread. Several handles and processes may append; each commit is all in or
    not at all, and on disk when it returns, as the handle was opened for. Raises: JournalError
    from what appends.
    """

    def append(self, records: Iterable[Record], /) -> int:
        """Commit the records as one; returns how many rows."""
        ...

    def append_made(self, make: Callable[[], Record], /) -> None:
        """Commit the record that `make` builds while nobody else can append."""
        ...

    def groups(
        self, *, after: int = ..., rows: int = ..., size_bytes: int = ...
    ) -> tuple[list[Group], bool]:
        """The oldest records numbered above `after`, within the bounds; whether there are more."""
        ...

    def groups_of(self, table: str, /) -> list[Group]:
        """All groups of one table."""
        ...

    def forget(self, upto: int, flushed: int, versions: Mapping[str, int], /) -> None:
        """Delete the groups that begin up to number `upto`; note `flushed` and `versions`."""
        ...

    def note_synced(self, versions: Mapping[str, int], /) -> None:
        """Note the tables' versions that are known to be on disk."""
        ...

    def note_files(self, new: Sums, gone: Sequence[tuple[str, str]], /) -> None:
        """Note the checksums of files that are on disk, and drop those of files that are gone."""
        ...

    def noted_files(self) -> dict[tuple[str, str], Sum]:
        """Those checksums, by table and path, the oldest first."""
        ...

    def synced_versions(self) -> dict[str, int]:
        """The tables' versions that are known to be on disk, by table."""
        ...

    def raise_flushed(self, number: int, /) -> None:
        """Never give out the numbers up to `number` again."""
        ...

    def pending_rows(self) -> int:
        """The number of records that are not forgotten."""
        ...

    def newest_number(self) -> int:
        """The highest number ever given to a record; 0 if none was."""
        ...

    def identity(self) -> int:
        """A number that this log was given when it was made; 0 if it was given none."""
        ...

    def close(self) -> None:
        """Give the handle up."""
        ...


class SqliteLog:
    """The log in an SQLite file; see `store.journal.file`."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def append(self, records: Iterable[Record]) -> int:
        return journal_file.append(self._connection, records)

    def append_made(self, make: Callable[[], Record]) -> None:
        journal_file.append_made(self._connection, make)

    def groups(
        self, *, after: int = 0, rows: int = journal_file.ALL, size_bytes: int = journal_file.ALL
    ) -> tuple[list[Group], bool]:
        return journal_file.groups(self._connection, after=after, rows=rows, size_bytes=size_bytes)

    def groups_of(self, table: str) -> list[Group]:
        return journal_file.groups_of(self._connection, table)

    def forget(self, upto: int, flushed: int, versions: Mapping[str, int]) -> None:
        journal_file.forget(self._connection, upto, flushed, versions)

    def note_synced(self, versions: Mapping[str, int]) -> None:
        journal_file.note_synced(self._connection, versions)

    def note_files(self, new: Sums, gone: Sequence[tuple[str, str]]) -> None:
        journal_file.note_files(self._connection, new, gone)

    def noted_files(self) -> dict[tuple[str, str], Sum]:
        return journal_file.noted_files(self._connection)

    def synced_versions(self) -> dict[str, int]:
        return journal_file.synced_versions(self._connection)

    def raise_flushed(self, number: int) -> None:
        journal_file.raise_flushed(self._connection, number)

    def pending_rows(self) -> int:
        return journal_file.pending_rows(self._connection)

    def newest_number(self) -> int:
        return opening.newest_number(self._connection)

    def identity(self) -> int:
        return opening.identity(self._connection)

    def close(self) -> None:
        self._connection.close()


def open_log(
    path: Path, durable: Durable, *, checked: bool = False, waits: bool = True
) -> SqliteLog:
    """The log in the file, to append to; made if it is missing.

    `checked`: for the folder's owner, who has proven it: it is read through once. A handle that
    does not wait raises JournalError where another one appends, and never tidies up after others.
    Raises: FolderUnusableError.
    """
    connection = opening.open_for_writing(path, durable, proven=checked)
    if not waits:
        opening.wait_for_nobody(connection)
    if checked:
        try:
            opening.check(connection, path)
            opening.begin_anew(connection)
        except BaseException:
            connection.close()
            raise
    return SqliteLog(connection)
