"""The journal's log as the store uses it: two protocols, and their form in an SQLite file.

Everything above the log knows the protocols alone, so that another form may take its place.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from store.journal import file as journal_file
from store.journal import notes, opening, searching
from store.journal.file import Group, Record
from store.journal.opening import Durable
from store.journal.searching import Line
from store.lance.sums import Sum, Sums


class Log(Protocol):
    """Records in the order of their commit, numbered from 1 without gaps, until they are forgotten.

    A handle is for one thread. Several handles and processes may append; each commit is all in or
    not at all, and on disk when it returns, as the handle was opened for. Raises: JournalError
    from what appends, FencedError where the log is another owner's by now.
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

    def pending(self, table: str, key: str | None = None, /, *, newest: bool = False) -> list[Line]:
        """The rows of a table that may have the key, oldest first; None: of any key.

        `newest`: only the newest row of each key. A row of no known key is always among them.
        """
        ...

    def forget(
        self, upto: int, flushed: int, versions: Mapping[str, int], highest: Mapping[str, int], /
    ) -> None:
        """Delete the groups that begin up to number `upto`, a part of those up to `flushed`, which
        are in the tables for good; with the notes of `note_synced`.
        """
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


class Notes(Protocol):
    """Notes of the tables on this disk; each is on disk when it returns."""

    def note_synced(self, versions: Mapping[str, int], highest: Mapping[str, int], /) -> None:
        """Note the tables' versions that are known to be on disk, and the highest number in each;
        of a table whose rows have none, the version alone.
        """
        ...

    def synced_versions(self) -> dict[str, int]:
        """The tables' versions that are known to be on disk, by table."""
        ...

    def highest_numbers(self) -> dict[str, tuple[int, int]]:
        """A version of each table that was noted with the highest number in it, and that."""
        ...

    def note_files(self, new: Sums, gone: Sequence[tuple[str, str]], /) -> None:
        """Note the checksums of files that are on disk, and drop those of files that are gone."""
        ...

    def noted_files(self) -> dict[tuple[str, str], Sum]:
        """Those checksums, by table and path, the oldest first."""
        ...


class NotingLog(Log, Notes, Protocol):
    """A log that keeps the notes beside its records."""


class Witness(Protocol):
    """Hears of each change that a handle of the log makes, in whichever thread that is."""

    def committed(self, groups: Sequence[Group], /) -> None: ...

    def forgotten(self, upto: int, /) -> None: ...


class SqliteLog:
    """The log in an SQLite file; see `store.journal.file`."""

    __slots__ = ("_connection", "_witness")

    def __init__(self, connection: sqlite3.Connection, witness: Witness | None = None) -> None:
        self._connection = connection
        self._witness = witness

    def append(self, records: Iterable[Record]) -> int:
        groups = journal_file.append(self._connection, records)
        if self._witness is not None:
            self._witness.committed(groups)
        return sum(group.rows for group in groups)

    def append_made(self, make: Callable[[], Record]) -> None:
        group = journal_file.append_made(self._connection, make)
        if self._witness is not None:
            self._witness.committed([group])

    def groups(
        self, *, after: int = 0, rows: int = journal_file.ALL, size_bytes: int = journal_file.ALL
    ) -> tuple[list[Group], bool]:
        return journal_file.groups(self._connection, after=after, rows=rows, size_bytes=size_bytes)

    def pending(self, table: str, key: str | None = None, *, newest: bool = False) -> list[Line]:
        return searching.pending(self._connection, table, key, newest=newest)

    def forget(
        self, upto: int, flushed: int, versions: Mapping[str, int], highest: Mapping[str, int]
    ) -> None:
        journal_file.forget(self._connection, upto, flushed, versions, highest)
        if self._witness is not None:
            self._witness.forgotten(upto)

    def note_synced(self, versions: Mapping[str, int], highest: Mapping[str, int]) -> None:
        notes.note_synced(self._connection, versions, highest)

    def note_files(self, new: Sums, gone: Sequence[tuple[str, str]]) -> None:
        notes.note_files(self._connection, new, gone)

    def noted_files(self) -> dict[tuple[str, str], Sum]:
        return notes.noted_files(self._connection)

    def synced_versions(self) -> dict[str, int]:
        return notes.synced_versions(self._connection)

    def highest_numbers(self) -> dict[str, tuple[int, int]]:
        return notes.highest_numbers(self._connection)

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
    path: Path,
    durable: Durable,
    *,
    checked: bool = False,
    waits: bool = True,
    witness: Witness | None = None,
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
    return SqliteLog(connection, witness)
