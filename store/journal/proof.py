"""Proves, before anything is written, that the journal has what it acknowledged."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from store.errors import FolderUnusableError
from store.journal import acknowledged, wal
from store.journal.file import groups
from store.journal.opening import JOURNAL, Layout, newest_number, refuse_if_emptied, why_not
from store.lance.damage import Range

_ROWS, _BYTES = 20_000, 64 << 20


@dataclass(frozen=True, slots=True)
class Proof:
    """The journal as it was found, before its owner opened it.

    `lacking` are the numbers that were acknowledged and lie behind its end, `unread` those of the
    groups that are not what was committed. `made` is false where there is no journal.
    """

    made: bool = True
    lacking: Range | None = None
    unread: tuple[Range, ...] = ()
    why: str = ""


Unread = Callable[[sqlite3.Connection], Iterable[Range]]
"""Reads a file through; gives the numbers of what is not what was committed."""


def prove(path: Path, layout: Layout = JOURNAL, unread: Unread | None = None) -> Proof:
    """Read the journal through; changes nothing. Raises: FolderUnusableError."""
    note = acknowledged.read(path)
    binding = note is not None and note.binding
    if not path.exists():
        lacking = (1, note.number) if note is not None and binding and note.number else None
        return Proof(made=False, lacking=lacking, why=f"there is no {layout.name}")
    number = note.number if note is not None and binding else 0
    try:
        return _proof(path, number, layout, unread or _unread)
    except sqlite3.Error as error:
        raise FolderUnusableError(f"the {layout.name} {path} {why_not(error)}") from error


def _proof(path: Path, number: int, layout: Layout, read: Unread) -> Proof:
    refuse_if_emptied(path)
    if path.with_name(f"{path.name}-journal").exists():
        _undo_making(path)
    # Read-only: SQLite would empty a log whose end it has found when it closes its last handle.
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        made = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        whole = made.issuperset(layout.tables)
        newest = newest_number(connection, layout) if whole else 0
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        damaged = wal.damaged_from(path, page_bytes) if number else None
        unread = tuple(read(connection)) if whole else ()
    finally:
        connection.close()
    why = f"it ends at number {newest}, and {number} was acknowledged"
    if damaged is not None:
        why = f"frame {damaged} of {path.name}-wal is damaged, and {why}"
    lacking = (newest + 1, number) if newest < number or damaged is not None else None
    return Proof(lacking=lacking, unread=unread, why=why)


def _undo_making(path: Path) -> None:
    """Take back what a process did that was killed while it made the file: it holds nothing yet.

    A file that was made has no rollback journal, and a reader may not use one.
    """
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _unread(connection: sqlite3.Connection) -> Iterator[Range]:
    columns = [row[1] for row in connection.execute("PRAGMA table_info(record_group)")]
    after, more = 0, "crc" in columns  # groups from before had no checksum
    while more:
        found, more = groups(connection, after=after, rows=_ROWS, size_bytes=_BYTES)
        for group in found:
            after = group.last
            if not group.whole:
                yield group.first, group.last
