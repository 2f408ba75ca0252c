"""The journal's file as it stands, for who checks it: nothing of it is changed by the read.

SQLite folds the log of a killed writer into the file when its last connection closes; whoever asks
what is whole must not do that.
"""

import contextlib
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import orjson

from store.errors import FolderUnusableError
from store.journal import acknowledged, notes
from store.journal.file import Group
from store.journal.opening import BUSY_TIMEOUT_S, JOURNAL, Layout, refuse_if_emptied
from store.lance.sums import Sums
from store.lance.tables import Row

_GROUPS = "SELECT first, rows, tbl, CAST(body AS BLOB), crc FROM record_group ORDER BY first"


class Found(NamedTuple):
    """A row as it was journalled, and its number; 0 if it is from before there was a journal."""

    number: int
    row: Row


@dataclass(slots=True)
class Pending:
    """The content of the journal at one moment.

    `acknowledged` is the number that was acknowledged before then; 0 where that proves nothing.
    `sums` are the checksums of the tables' files.
    """

    flushed: int = 0
    newest: int = 0
    acknowledged: int = 0
    groups: list[Group] = field(default_factory=list)
    synced: dict[str, int] = field(default_factory=dict)
    sums: Sums = field(default_factory=dict)

    def rows(self, table: str) -> Iterator[Found]:
        """The rows of one table, in order; without those that a start would not take."""
        for group in self.groups:
            if group.table == table and group.whole:
                yield from (found for found in _parsed(group) if isinstance(found, Found))

    def unparsed(self) -> Iterator[int]:
        """The numbers of the records that are no JSON."""
        for group in self.groups:
            yield from (found for found in _parsed(group) if not isinstance(found, Found))


def _parsed(group: Group) -> Iterator[Found | int]:
    """Each row; of one that is no JSON its number."""
    for number, line in group.lines():
        try:
            yield Found(number, orjson.loads(line))
        except orjson.JSONDecodeError:
            yield number


@contextlib.contextmanager
def inspected(path: Path, layout: Layout = JOURNAL) -> Iterator[sqlite3.Connection | None]:
    """A connection that sees one moment of the file, from its first query on; None: no journal.

    Raises: FolderUnusableError, also for an SQLite error of the caller's queries.
    """
    log = path.with_name(f"{path.name}-wal").exists()
    half_made = not log and path.with_name(f"{path.name}-journal").exists()
    if not path.exists() or half_made:
        yield None
        return
    # Without a log beside it nobody has it open, and SQLite would make one.
    how = "mode=ro" if log else "immutable=1"
    try:
        refuse_if_emptied(path)
        with contextlib.closing(
            sqlite3.connect(
                f"{path.as_uri()}?{how}", uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S
            )
        ) as connection:
            connection.execute("BEGIN")
            made = "SELECT count(*) FROM sqlite_master WHERE name = ?"
            (there,) = connection.execute(made, layout.tables[:1]).fetchone()
            yield connection if there else None
    except sqlite3.Error as error:
        raise FolderUnusableError(
            f"the {layout.name} {path} does not read: {error}. If its disk is in order, the file "
            "is damaged: restore it from a backup."
        ) from error


def acknowledged_number(path: Path) -> int:
    """The number that the journal must have from now on; 0 if the note beside it binds nobody."""
    note = acknowledged.read(path)
    return note.number if note is not None and note.binding else 0


def read_pending(pending: Pending, connection: sqlite3.Connection) -> None:
    """Everything that is in the journal."""
    (flushed,) = connection.execute("SELECT max(flushed) FROM position").fetchone()
    pending.flushed = flushed or 0
    pending.groups = list(_groups(connection))
    pending.synced = notes.synced_versions(connection)
    made = "SELECT count(*) FROM sqlite_master WHERE name = 'data_file'"
    if connection.execute(made).fetchone() == (1,):  # an older Reins had no checksums
        pending.sums = notes.noted_files(connection)


def _groups(connection: sqlite3.Connection) -> Iterator[Group]:
    """All groups in their order; those of an older Reins have no checksum."""
    columns = {row[1] for row in connection.execute("PRAGMA table_info(record_group)")}
    query = _GROUPS if "crc" in columns else _GROUPS.replace("crc", "NULL")
    for first, rows, table, body, crc in connection.execute(query):
        yield Group(first, rows, table, body, whole=crc in (None, zlib.crc32(body)))
