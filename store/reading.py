"""Reading table rows and journalled rows as one, from any process."""

import contextlib
import functools
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import orjson
import pyarrow as pa

from reins.settings import current_settings
from store import times
from store.errors import FolderUnusableError
from store.folder import DataFolder
from store.journal.file import Record
from store.journal.memory import Memory
from store.journal.opening import why_not
from store.journal.searching import Line
from store.lance.opening import OpenTable, Tables
from store.lance.tables import STAMP, Row, Table

_TRIES = 5
_SLICE = 500
_BATCH = 65_536
T = TypeVar("T")


class Reader:
    """One data folder as its readers see it; cheap to keep, safe to share between threads."""

    def __init__(self, folder: DataFolder | Path | str) -> None:
        self.folder = folder if isinstance(folder, DataFolder) else DataFolder(folder)
        self._tables: dict[str, OpenTable] = {}
        self.memory: Memory | None = None
        """Pending rows, where this process writes them."""
        self.unwritten: Callable[[str], tuple[int, list[Row]] | None] | None = None
        """Sums that are in no table yet, where this process writes them; see `Summing`."""

    @functools.cached_property
    def db(self) -> Tables:
        self.folder.prepare()
        with _told(self.folder.path):
            return self.folder.open_tables()

    def table(self, table: Table) -> OpenTable | None:
        """The open table; None while nobody has made it."""
        if table.name not in self._tables:
            with _told(self.folder.path):
                opened = self.db.open_if_there(table)
            if opened is None:
                return None
            self._tables[table.name] = opened
        return self._tables[table.name]

    def joined(
        self,
        table: Table,
        match: Mapping[str, str],
        where: str | None,
        *,
        newest: bool = False,
        enough: Callable[[list[Row]], bool] = lambda _pending: False,
    ) -> list[Row]:
        """Rows of the journal and of the table that fit; a row in both stands once, oldest first.

        `match` picks journalled rows by their columns, `where` is the same for the table. For a
        derived table the journal's rows of its source count too. `newest`: of the journal's rows
        those that are no key's newest may be left out. `enough` says whether the journal's rows are
        all that fit: then the table is not read.
        """
        # Journal first: a row that is flushed in between is then seen twice, never missed.
        pending = self.journalled(table, match, newest=newest)
        if enough(pending):
            return pending
        stored: list[Row] = self.stored(table, where).to_pylist()
        seen = {row["journal_n"] for row in stored}
        rows = stored + [row for row in pending if row["journal_n"] not in seen]
        return sorted(rows, key=lambda row: row["journal_n"] or 0)

    def newest(self, table: Table) -> Iterator[Row]:
        """The newest row of each key of a whole table, a few at a time in memory."""
        key = table.key or ""
        raw: dict[str, tuple[Callable[[Row], Row], Row]] = {}
        for derive, row in self._journalled(table, {}, newest=True):
            other = raw.get(row[key])
            if other is None or row["journal_n"] > other[1]["journal_n"]:
                raw[row[key]] = derive, row
        pending = {value: typed(table, derive(row)) for value, (derive, row) in raw.items()}
        for batch in self.stored(table, None).to_batches(max_chunksize=_SLICE):
            for row in batch.to_pylist():
                newer = pending.pop(row[key], row)
                # Rows from before there was a journal have no number.
                yield newer if (newer["journal_n"] or 0) > (row["journal_n"] or 0) else row
        yield from pending.values()

    def stored(self, table: Table, where: str | None, columns: list[str] | None = None) -> pa.Table:
        """Rows of the table alone, without the journal's; of all columns or of some."""

        def read(opened: OpenTable) -> pa.Table:
            query = opened.search()
            query = query.select(columns) if columns else query
            found = (query.where(where) if where else query).limit(None)
            # Narrow rows in thousands at once: that takes a fifth of the time.
            return found.to_batches(_BATCH).read_all() if columns else found.to_arrow()

        nothing = table.schema.empty_table().select(columns or table.schema.names)
        return self._read(table, read, nothing)

    def count(self, table: Table, where: str) -> int:
        """The number of the table's own rows that fit; from its indices where possible."""
        return self._read(table, lambda opened: int(opened.count_rows(where)), 0)

    def _read(self, table: Table, read: Callable[[OpenTable], T], nothing: T) -> T:
        for left in reversed(range(_TRIES)):
            opened = self.table(table)
            if opened is None:
                return nothing
            with _told(self.folder.path):
                try:
                    return read(opened)
                except RuntimeError as error:
                    # The version being read was compacted and cleaned away, or the folder was
                    # replaced: the newest has the rows.
                    if "not found" not in str(error).lower() or not left:
                        raise
                    self._tables.pop(table.name, None)
        raise AssertionError("not reached")

    def journalled(
        self, table: Table, match: Mapping[str, str] | None = None, *, newest: bool = False
    ) -> list[Row]:
        """Rows of the journal alone that fit; read them before those of the table.

        `newest`: those that are no key's newest may be left out.
        """
        rows = self._journalled(table, match or {}, newest=newest)
        return [typed(table, derive(row)) for derive, row in rows]

    def _journalled(
        self, table: Table, match: Mapping[str, str], *, newest: bool
    ) -> Iterator[tuple[Callable[[Row], Row], Row]]:
        """The journal's rows for this table, each with the function that makes it a row of it."""
        key = match.get(table.asked_by)
        sources: list[tuple[str, Callable[[Row], Row]]] = [(table.name, _as_it_is)]
        if table.derived is not None:
            sources.append((table.derived.source, table.derived.row))
        for name, derive in sources:
            for row in matching(self._pending(name, key, newest=newest), match):
                yield derive, row

    def _pending(self, name: str, key: str | None, *, newest: bool) -> list[Line]:
        memory = self.memory
        if memory is not None:
            try:
                found = memory.pending(name, key, newest=newest)
            except sqlite3.Error as error:
                raise FolderUnusableError(
                    f"the journal {self.folder.journal} {why_not(error)}"
                ) from error
            if found is not None:
                return found
        with self.folder.read_log() as log:
            return [] if log is None else log.pending(name, key, newest=newest)

    def append(self, make: Callable[[], Record]) -> None:
        """Commit the record that `make` builds to the journal from here, beside its writer.

        Nobody else appends meanwhile, so what `make` reads here is the newest. Raises:
        JournalError.
        """
        self.folder.prepare()
        with contextlib.closing(self.folder.open_log(current_settings().durable)) as log:
            log.append_made(make)


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Say in our words what LanceDB and the system raise. Raises: FolderUnusableError."""
    try:
        yield
    except (OSError, MemoryError, RuntimeError) as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise FolderUnusableError(
            f"the tables in {folder} cannot be read: {said}. Check the disk, the permissions, and "
            "the limits of this process (ulimit -a)."
        ) from error


def matching(lines: Iterable[Line], match: Mapping[str, str]) -> Iterable[Row]:
    """The rows whose columns equal `match`, each with its number."""
    # Parsing is what costs: look for the encoded values first.
    needles = [orjson.dumps(value) for value in match.values()]
    for number, line in lines:
        if all(needle in line for needle in needles):
            row = orjson.loads(line)
            if all(row[name] == value for name, value in match.items()):
                row["journal_n"] = number
                yield row


def _as_it_is(row: Row) -> Row:
    return row


def typed(table: Table, row: Row) -> Row:
    """A journalled row as the table has it: all of its columns, its times as datetimes."""
    return {
        column.name: _time(row.get(column.name)) if column.type == STAMP else row.get(column.name)
        for column in table.schema
    }


def _time(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else times.from_us(microseconds)


@functools.lru_cache(maxsize=64)
def _reader_from(path: Path, _of: str) -> Reader:
    """Helpers ask for it at each call."""
    return _reader_at(DataFolder(path))


@functools.lru_cache(maxsize=64)
def _reader_at(folder: DataFolder) -> Reader:
    return Reader(folder)


def reader(folder: DataFolder | Path | str | None = None) -> Reader:
    """The reader of a data folder, by default the one that the settings name."""
    if isinstance(folder, DataFolder):
        return _reader_at(folder)
    path = current_settings().data if folder is None else Path(folder)
    return _reader_from(path, str(path) if path.is_absolute() else str(Path.cwd()))
