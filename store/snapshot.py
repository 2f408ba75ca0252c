"""One moment of a data folder: every table at a version, and the journal as it stood then.

Rows on their way from the journal to the tables are seen once, whatever a worker does meanwhile.
"""

import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

import lancedb
import pyarrow as pa
import pyarrow.compute as pc
from lancedb.table import LanceTable

from reins import jitter
from store.errors import FolderUnusableError, TableDamagedError
from store.folder import DataFolder
from store.journal.inspection import Found, Pending, acknowledged_number, inspected, read_pending
from store.journal.opening import newest_number
from store.lance.faults import fault
from store.lance.tables import JOURNAL_N, STAMP, Row, Table, connect, open_if_there, quoted
from store.queue import moment as queue_moment
from store.queue import table as queue
from store.store import TABLES

T = TypeVar("T")
_TRIES = 200
_WAIT_S = (0.005, 0.03)
_WINDOW_ROWS = 2_000  # those of the log have snapshots of up to 64 KiB each
_JOURNALLED = tuple(table for table in TABLES if table.journalled)


class Snapshot:
    """All that was acknowledged at one moment; take one with `take`.

    `upto` is the highest number of that moment. The queue is kept twice: as it was before and as
    it was after, since its rows come before the log's, and their marks after them.
    `damaged` names the tables that do not open, each with the reason.
    """

    def __init__(self, folder: Path, held: object = None) -> None:
        self.folder = folder
        self._held = held  # open as long as the snapshot lives
        self.pending = Pending()
        self.damaged: dict[str, str] = {}
        self.tables: dict[str, LanceTable] = {}
        self._numbers: dict[str, list[int]] = {}
        self.queues: list[tuple[queue_moment.QueueFileMoment, LanceTable | None]] = []

    @property
    def upto(self) -> int:
        return self.pending.newest

    def opened(self, table: Table) -> LanceTable | None:
        """The table at its version; None if there is none. Raises: TableDamagedError."""
        if table.name in self.damaged:
            raise _damaged(table.name, self.damaged[table.name])
        return self.tables.get(table.name)

    def numbers(self, table: Table) -> list[int]:
        """The numbers of the table's own rows, in order. Raises: TableDamagedError."""
        if table.name not in self._numbers:
            found = self._stored(table, None, [JOURNAL_N.name])[JOURNAL_N.name]
            self._numbers[table.name] = sorted(pc.fill_null(found, 0).to_pylist())
        return self._numbers[table.name]

    def rows(self, table: Table, columns: Sequence[str] | None = None) -> Iterator[Found]:
        """The rows of table and journal, each number once, in their order; of all columns or some.

        Raises: TableDamagedError.
        """
        both = (self.stored_rows(table, columns), self.pending.rows(table.name))
        merged = heapq.merge(*both, key=itemgetter(0))
        before = 0
        for found in merged:
            # Of a number that is there twice the table's row counts; another check says so.
            if not found.number or found.number != before:
                yield found
            before = found.number

    def stored_rows(self, table: Table, columns: Sequence[str] | None = None) -> Iterator[Found]:
        """The table's own rows, as they were journalled, a few at a time in memory."""
        names = None if columns is None else [*columns, JOURNAL_N.name]
        numbers = self.numbers(table)
        if numbers and not numbers[0]:
            yield from self._window(table, f"{JOURNAL_N.name} IS NULL", names)
            numbers = [number for number in numbers if number]
        after = 0
        for last in [*numbers[_WINDOW_ROWS - 1 :: _WINDOW_ROWS], *numbers[-1:]]:
            if last > after:
                where = f"{JOURNAL_N.name} > {after} AND {JOURNAL_N.name} <= {last}"
                yield from self._window(table, where, names)
                after = last

    def by_number(self, table: Table, numbers: Sequence[int]) -> dict[int, Row]:
        """The table's own rows with these numbers."""
        wanted = ", ".join(map(str, numbers))
        found = self._stored(table, f"{JOURNAL_N.name} IN ({wanted})", None)
        return {row[JOURNAL_N.name]: row for row in _as_journalled(found, table)}

    def read_through(self, table: Table) -> None:
        """Read every row and every manifest of the table. Raises: TableDamagedError."""
        opened = self.opened(table)
        if opened is None:
            return
        _sound(partial(_read_through, opened), table)

    def index_fault(self, table: Table, column: str) -> str | None:
        """The fault of a column's index: it does not read, or does not find what is there.

        Raises: TableDamagedError.
        """
        opened = self.opened(table)
        if opened is None or column not in opened.schema.names:
            return None
        counts = pc.value_counts(self._stored(table, None, [column])[column])
        for each in [counts[at].as_py() for at in {0, len(counts) // 2, len(counts) - 1}
                     if 0 <= at < len(counts)]:  # fmt: skip
            value, count = each["values"], each["counts"]
            found: list[int] = []
            count_rows = partial(_count, opened, f"{column} {_equals(value)}", found)
            if (why := fault(count_rows, f"the index of {table.name}.{column}")) is not None:
                return f"does not read: {why[:200]}"
            if found != [count]:
                return f"finds {found[0]} rows of {value!r:.40}; there are {count}"
        return None

    def queue_before(self, columns: Sequence[str]) -> list[Row]:
        """The queue as it was before everything else: what is marked here is on record.

        Raises: TableDamagedError.
        """
        return self._queue(0, columns)

    def queue_after(self, columns: Sequence[str]) -> list[Row]:
        """The queue as it was after everything else: what is on record is queued here.

        Raises: TableDamagedError.
        """
        return self._queue(1, columns)

    def _queue(self, which: int, columns: Sequence[str]) -> list[Row]:
        file, opened = self.queues[which]
        if queue.TABLE.name in self.damaged:
            raise _damaged(queue.TABLE.name, self.damaged[queue.TABLE.name])
        found = queue.TABLE.schema.empty_table()
        found = found if opened is None else _read(opened, queue.TABLE, None, None)
        return file.rows(_as_journalled(found, queue.TABLE), columns)

    def _window(self, table: Table, where: str, columns: list[str] | None) -> Iterator[Found]:
        rows = _as_journalled(self._stored(table, where, columns), table)
        found = [Found(row.get(JOURNAL_N.name) or 0, row) for row in rows]
        yield from sorted(found, key=itemgetter(0))

    def _stored(self, table: Table, where: str | None, columns: list[str] | None) -> pa.Table:
        opened = self.opened(table)
        if opened is None:
            return table.schema.empty_table().select(columns or table.schema.names)
        names = None
        if columns is not None:  # a folder of an older Reins lacks some
            names = [name for name in columns if name in opened.schema.names]
        found = _read(opened, table, where, names)
        for name in columns or table.schema.names:
            if name not in found.schema.names:
                kind = table.schema.field(name).type
                found = found.append_column(name, pa.nulls(found.num_rows, kind))
        return found


def take(path: Path | str) -> Snapshot:
    """A snapshot of the folder; makes nothing and changes nothing.

    Raises: FolderUnusableError, FormatUnknownError.
    """
    folder = DataFolder(path)
    if not folder.path.is_dir() or folder.format() is None:
        raise FolderUnusableError(
            f"{folder.path} is no data folder: it has no tables. Check the path, or set REINS_DATA."
        )
    db = connect(folder.path)
    for _ in range(_TRIES):
        taken = Snapshot(folder.path, folder.hold_versions())
        if _pin(taken, db, folder):
            return taken
        time.sleep(jitter.between(*_WAIT_S))
    raise FolderUnusableError(
        f"{folder.path} is written to so fast that no moment of it can be read; try again later"
    )


def _pin(taken: Snapshot, db: lancedb.DBConnection, folder: DataFolder) -> bool:
    """Open everything; True if no table had a commit meanwhile: then it is of one moment."""
    taken.queues.append((queue_moment.read(folder), _pinned(taken, db, queue.TABLE)))
    for table in _JOURNALLED:
        if (opened := _pinned(taken, db, table)) is not None:
            taken.tables[table.name] = opened
    taken.pending.acknowledged = acknowledged_number(folder.journal)
    with inspected(folder.journal) as connection:
        if connection is not None:
            taken.pending.newest = newest_number(connection)  # its moment from here on
        if not _as_before(taken, db):
            return False
        if connection is not None:
            read_pending(taken.pending, connection)
    taken.queues.append((queue_moment.read(folder), opened := _pinned(taken, db, queue.TABLE)))
    if opened is not None:
        taken.tables[queue.TABLE.name] = opened
    return True


def _as_before(taken: Snapshot, db: lancedb.DBConnection) -> bool:
    """True if no table has had a commit since it was opened."""
    for table in _JOURNALLED:
        if table.name not in taken.damaged:
            opened = open_if_there(db, table)
            pinned = taken.tables.get(table.name)
            if _version(opened) != _version(pinned):
                return False
    return True


def _version(opened: LanceTable | None) -> int | None:
    return None if opened is None else int(opened.version)  # an empty table is false


def _pinned(taken: Snapshot, db: lancedb.DBConnection, table: Table) -> LanceTable | None:
    found: list[LanceTable | None] = []
    why = fault(lambda: found.append(_at_its_version(db, table)), f"table {table.name}")
    if why is not None:
        taken.damaged[table.name] = why
        return None
    [opened] = found
    if opened is None and any((taken.folder / f"{table.name}.lance" / "data").glob("*.lance")):
        taken.damaged[table.name] = "it has data, and no version that opens"
    return opened


def _at_its_version(db: lancedb.DBConnection, table: Table) -> LanceTable | None:
    opened = open_if_there(db, table)
    if opened is not None:
        opened.checkout(opened.version)
        if not opened.schema.names:
            raise ValueError("its newest manifest has no columns")
    return opened


def _read(
    opened: LanceTable, table: Table, where: str | None, columns: list[str] | None
) -> pa.Table:
    query = opened.search()
    query = query.select(columns) if columns is not None else query
    query = query.where(where) if where else query
    return _sound(query.limit(None).to_arrow, table)


def _read_through(opened: LanceTable) -> None:
    for _batch in opened.search().limit(None).to_batches(_WINDOW_ROWS):
        pass
    opened.list_versions()


def _count(opened: LanceTable, where: str, found: list[int]) -> None:
    found.append(opened.count_rows(where))


def _sound(read: Callable[[], T], table: Table) -> T:
    """The result of `read`. Raises: TableDamagedError, FolderUnusableError."""
    found: list[T] = []
    why = fault(lambda: found.append(read()), f"table {table.name}")
    if why is not None:
        raise _damaged(table.name, why)
    return found[0]


def _equals(value: object) -> str:
    if value is None:
        return "IS NULL"
    return f"= {quoted(value) if isinstance(value, str) else str(value).lower()}"


def _as_journalled(found: pa.Table, table: Table) -> list[Row]:
    """The rows as the journal has them: times are numbers. Raises: TableDamagedError.

    A column may read and still make no rows: of a time whose zone is not known any more.
    """

    def rows() -> list[Row]:
        plain = [(c.name, pa.int64() if c.type == STAMP else c.type) for c in found.schema]
        listed: list[Row] = found.cast(pa.schema(plain)).to_pylist()
        return listed

    return _sound(rows, table)


def _damaged(table: str, why: str) -> TableDamagedError:
    return TableDamagedError(f"table {table} does not read: {why}")
