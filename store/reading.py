"""Reading table rows and journalled rows as one, from any process."""

import contextlib
import functools
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from reins.settings import current_settings
from store.errors import FolderUnusableError
from store.folder import DataFolder
from store.journal.file import Record
from store.journal.memory import Memory, Span
from store.journal.opening import why_not
from store.journal.searching import Line
from store.journalled import Derive, matching, rows_of, sources, typed
from store.lance.opening import OpenTable, Tables
from store.lance.ordering import ROW_ID
from store.lance.tables import BATCH_ROWS, JOURNAL_N, Row, Table, quoted, read_all

_TRIES = 5
_SLICE = 500
T = TypeVar("T")


class Reader:
    """One data folder as its readers see it; cheap to keep, safe to share between threads."""

    def __init__(self, folder: DataFolder | Path | str, *, prepared: bool = False) -> None:
        """`prepared`: somebody else has made the folder ready, and this process may not write."""
        self.folder = folder if isinstance(folder, DataFolder) else DataFolder(folder)
        self._prepared = prepared
        self._tables: dict[str, OpenTable] = {}
        self.memory: Memory | None = None
        """Pending rows, where this process writes them."""
        self.unwritten: Callable[[str], tuple[int, list[Row]] | None] | None = None
        """Sums that are in no table yet, where this process writes them; see `Summing`."""

    @functools.cached_property
    def db(self) -> Tables:
        if not self._prepared:
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
        several: bool = False,
    ) -> list[Row]:
        """Rows of the journal and of the table that fit; a row in both stands once, oldest first.

        `match` picks journalled rows by their columns, `where` is the same for the table. For a
        derived table the journal's rows of its source count too. `newest`: of the journal's rows
        those that are no key's newest may be left out, and there may be some that are in the table
        too. `enough` says whether the journal's rows are all that fit: then the table is not read.
        `several`: the table has more than one that fits, among many others.
        """
        # Journal first: a row that is flushed in between is then seen twice, never missed.
        pending = self.journalled(table, match, newest=newest)
        if enough(pending):
            return pending
        found = self.picked(table, where) if several and where else self.stored(table, where)
        stored: list[Row] = found.to_pylist()
        seen = {row["journal_n"] for row in stored}
        rows = stored + [row for row in pending if row["journal_n"] not in seen]
        return sorted(rows, key=lambda row: row["journal_n"] or 0)

    def joined_each(
        self, table: Table, keys: Sequence[str], *, newest: bool = False
    ) -> dict[str, list[Row]]:
        """As `joined`, of several keys of the column that the table is asked by, in one query.

        `newest`: of a key that has journalled rows, these are all.
        """
        column = table.asked_by
        found = {key: self.journalled(table, {column: key}, newest=newest) for key in keys}
        named = ", ".join(quoted(key) for key in keys if not newest or not found[key])
        for row in self.stored(table, f"{column} IN ({named})").to_pylist() if named else ():
            rows = found[row[column]]
            if all(row["journal_n"] != each["journal_n"] for each in rows):
                rows.append(row)
        for rows in found.values():
            rows.sort(key=lambda row: row["journal_n"] or 0)
        return found

    def page(self, table: Table, own: str, span: Span, where: str) -> list[Row]:
        """The rows of a key in a span of its places; a row that was written twice stands twice.

        `own` is the key, and `where` says the same to the table as both. Only for a table whose
        rows are numbered by the span's column, for each key from 1 without gaps.
        """
        match = {table.asked_by: own}

        def read(line: Line) -> Row | None:
            return next(iter(matching([line], match)), None)

        if self.memory is not None:
            with self._told_of_journal():
                found = self.memory.page(table.name, own, span, read)
            if found is not None:
                as_typed = typed(table)
                return [
                    as_typed(row) for row in found if span.after < row[span.column] <= span.upto
                ]
        # Rows are flushed in their order: all that follow a journalled one are journalled.
        return self.joined(
            table, match, where,
            enough=lambda pending: any(row[span.column] == span.after + 1 for row in pending),
            several=True,
        )  # fmt: skip

    def newest(self, table: Table) -> Iterator[Row]:
        """The newest row of each key of a whole table, a few at a time in memory."""
        key = table.key or ""
        stored, journalled = self._whole(table)
        raw: dict[str, tuple[Derive, Row]] = {}
        for derive, row in journalled:
            other = raw.get(row[key])
            if other is None or row["journal_n"] > other[1]["journal_n"]:
                raw[row[key]] = derive, row
        # Rows from before there was a journal have no number.
        numbers = (number or 0 for number in stored["journal_n"].to_pylist())
        newest: list[int] = []
        for place, (value, number) in enumerate(zip(stored[key].to_pylist(), numbers, strict=True)):
            if value not in raw or raw[value][1]["journal_n"] <= number:
                raw.pop(value, None)
                newest.append(place)
        as_typed = typed(table)
        yield from (as_typed(derive(row)) for derive, row in raw.values())
        for at in range(0, len(newest), _SLICE):
            yield from stored.take(newest[at : at + _SLICE]).to_pylist()

    def _whole(self, table: Table) -> tuple[pa.Table, Iterator[tuple[Derive, Row]]]:
        """The rows of the whole table, and the newest of those that the journal may have more."""
        memory = self.memory
        border = None if memory is None else memory.forgotten_upto()
        # What grows old leaves its table, and nobody tells.
        if memory is not None and border is not None and table.retained_by is None:
            since = functools.partial(memory.since, [name for name, _ in sources(table)])
            with self._told_of_journal():
                found = memory.tables.rows(
                    table.name, since, border, lambda: self.stored(table, None)
                )
            if found is not None:
                return found[0], rows_of(table, found[1], {})
        # Journal first: a row that is flushed in between is then seen twice, never missed.
        journalled = list(self._journalled(table, {}, newest=True))
        return self.stored(table, None), iter(journalled)

    def stored(self, table: Table, where: str | None, columns: list[str] | None = None) -> pa.Table:
        """Rows of the table alone, without the journal's; of all columns or of some.

        Columns that a folder from before does not have yet are empty.
        """
        names = columns or table.schema.names

        def read(opened: OpenTable) -> pa.Table:
            query = opened.search()
            if columns:
                query = query.select(_there(opened, columns))
            query = query.where(where) if where else query
            return read_all(query) if columns else query.limit(None).to_arrow()

        rows = self._read(table, read, table.schema.empty_table().select(names))
        return _with_all(names, table, rows)

    def picked(self, table: Table, where: str, columns: list[str] | None = None) -> pa.Table:
        """As `stored`, in half of the time where a filter looks at many rows for some of them: up
        to 2,000. `journal_n` is one of the `columns`.

        LanceDB reads all narrow columns of each row that it looks at; first asked which rows they
        are, it reads those of the filter.
        """
        nothing = table.schema.empty_table().select(columns or table.schema.names)

        def read(opened: OpenTable) -> pa.Table | None:
            if JOURNAL_N.name not in opened.schema.names:  # made by an older Reins, and never since
                return None
            query = opened.search().where(where).select([JOURNAL_N.name])
            fit = read_all(query.with_row_id(with_row_id=True))
            if not fit:
                return nothing
            taken = opened.take_row_ids(fit[ROW_ID].to_pylist())
            if columns:
                taken = taken.select(_there(opened, columns))
            rows = taken.to_arrow()
            # A compaction in between gives the rows other ids.
            return rows if rows[JOURNAL_N.name].equals(fit[JOURNAL_N.name]) else None

        rows = self._read(table, read, None)
        if rows is None:
            return self.stored(table, where, columns)
        return _with_all(columns or table.schema.names, table, rows)

    def batches(
        self, table: Table, where: str | None, columns: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        """As `stored`, a batch at a time; whoever takes long holds the folder's versions."""
        schema = pa.schema([table.schema.field(name) for name in columns])

        def read(opened: OpenTable) -> Iterator[pa.RecordBatch]:
            query = opened.search().select(_there(opened, columns))
            return iter((query.where(where) if where else query).limit(None).to_batches(BATCH_ROWS))

        nothing: Iterator[pa.RecordBatch] = iter(())
        for found in self._read(table, read, nothing):
            has: set[str] = set(found.schema.names)
            yield pa.RecordBatch.from_arrays(
                [
                    found[field.name] if field.name in has else pa.nulls(len(found), field.type)
                    for field in schema
                ],
                schema=schema,
            )

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

        `newest`: those that are no key's newest may be left out; of one key, its newest may be
        among them although the table has it.
        """
        as_typed = typed(table)
        rows = self._journalled(table, match or {}, newest=newest)
        return [as_typed(derive(row)) for derive, row in rows]

    def _journalled(
        self, table: Table, match: Mapping[str, str], *, newest: bool
    ) -> Iterator[tuple[Derive, Row]]:
        """The journal's rows for this table, each with the function that makes it a row of it."""
        key = match.get(table.asked_by)
        lines = self._pending([name for name, _ in sources(table)], key, newest=newest)
        return rows_of(table, lines, match)

    def _pending(self, names: list[str], key: str | None, *, newest: bool) -> list[list[Line]]:
        """Of each of the tables, all at one moment."""
        if self.memory is not None:
            with self._told_of_journal():
                # The newest row of one key is no older where the table has it too.
                kept = newest and key is not None
                found = self.memory.pending(names, key, newest=newest, kept=kept)
            if found is not None:
                return found
        with self.folder.read_log() as log:
            return [[] if log is None else log.pending(name, key, newest=newest) for name in names]

    @contextlib.contextmanager
    def _told_of_journal(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise FolderUnusableError(
                f"the journal {self.folder.journal} {why_not(error)}"
            ) from error

    def append(self, make: Callable[[], Record]) -> None:
        """Commit the record that `make` builds to the journal from here, beside its writer.

        Nobody else appends meanwhile, so what `make` reads here is the newest. Raises:
        JournalError.
        """
        self.folder.prepare()
        with contextlib.closing(self.folder.open_log(current_settings().durable)) as log:
            log.append_made(make)


def _there(opened: OpenTable, columns: Sequence[str]) -> list[str]:
    there = set(opened.schema.names)
    return [name for name in columns if name in there]


def _with_all(names: Sequence[str], table: Table, rows: pa.Table) -> pa.Table:
    for name in set(names) - set(rows.column_names):
        field = table.schema.field(name)
        rows = rows.append_column(field, pa.nulls(len(rows), field.type))
    return rows


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
