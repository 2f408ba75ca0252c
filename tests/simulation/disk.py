"""The disk of a simulation: the log and the tables, which forget what was not synced.

Each has what is on disk for good, and what is only written: a loss of power takes of that what it
likes, from the end; a kill takes nothing. A sync that fails forgets: what was written before it
will not survive, however often it is synced again.
"""

import asyncio
import contextlib
import errno
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, TypeVar

import pyarrow as pa

from store.barrier import Barrier
from store.errors import FolderOwnedError, JournalError
from store.failed_syncs import FailedSyncs
from store.folder import FORMAT, DataFolder
from store.journal import keys
from store.journal.file import ALL, Group, Record
from store.journal.log import Witness
from store.journal.proof import Proof
from store.lance.ordering import ROW_ID
from store.lance.tables import Table
from store.queue.file import QueueFile
from store.queue.opening import before, make_queue
from tests.simulation.filters import Row, fits
from tests.simulation.stand_ins import Lock
from tests.simulation.world import EPOCH_S, Process, World

T = TypeVar("T")
Fault = Callable[[str], bool]


@dataclass
class Commit:
    """One version of a table: rows added, rows put in the place of others, or nothing.

    `key` names the column by which rows are matched, `updates` tells whether the row that is there
    takes the place of one of them, `inserts` whether rows that match none come in.
    """

    rows: list[Row]
    key: str | None = None
    updates: Callable[[Row, Row], bool] = lambda _target, _source: True
    inserts: bool = True
    state: Literal["written", "synced", "forgotten"] = "written"
    version: int = 0

    def apply(self, rows: list[Row]) -> list[Row]:
        if self.key is None:
            return rows + self.rows
        new = {row[self.key]: row for row in self.rows}
        there = {row[self.key] for row in rows}
        kept, moved = [], []
        for row in rows:
            source = new.get(row[self.key])
            replaced = source is not None and self.updates(row, source)
            (moved if replaced else kept).append(source if replaced else row)
        moved.sort(key=[*new.values()].index)  # what is written anew comes after what was there
        return kept + moved + [r for k, r in new.items() if self.inserts and k not in there]


@dataclass
class _Deletion(Commit):
    fits: Callable[[Row], bool] = bool

    def apply(self, rows: list[Row]) -> list[Row]:
        return [row for row in rows if not self.fits(row)]


@dataclass
class _Restored(Commit):
    of: int = 0


class SimulatedFailedSyncs(FailedSyncs):
    """The failed syncs of the disk, in memory."""

    def __init__(self) -> None:
        self.failed = self.settled = 0

    @property
    def count(self) -> int:
        return self.failed

    @property
    def unsettled(self) -> bool:
        return self.settled < self.failed

    def add(self) -> None:
        self.failed += 1

    def settle(self, count: int) -> None:
        self.settled = max(self.settled, count)

    def forget(self) -> None:
        self.failed = self.settled = 0


class Disk:
    """One disk with one data folder; all processes of a world have it in common."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fault: Fault = lambda _what: False
        self.log = LogState(world)
        self.queue = QueueState(world)
        self.tables: dict[str, TableState] = {}
        self.owner: Process | None = None
        self.failures = 0
        """Syncs that failed; whoever has the folder open is told of each once."""
        self.failed_syncs = SimulatedFailedSyncs()
        self._watching: list[tuple[Process, str, Callable[[], object]]] = []
        world.disk = self

    def check(self, what: str) -> None:
        """An operation takes place. Raises: OSError where it is to fail."""
        self.world.operation(what)
        if self.fault(what):
            self.world.note("fault", what)
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def sync(self, told: int) -> None:
        """Raises: OSError, also where a sync since the one that `told` counts has failed."""
        before = [c for table in self.tables.values() for c in table.unsynced()]
        try:
            self.check("sync")
        except OSError:
            self.failures += 1
            for commit in before:
                if commit.state == "written":  # another sync may have been sooner
                    commit.state = "forgotten"
            raise
        for commit in before:
            if commit.state == "written":
                commit.state = "synced"
        if told != self.failures:
            raise OSError(errno.EIO, "what was written before did not come to the disk")

    def lose_power(self) -> None:
        """All processes are gone; what was written and not synced may be gone too."""
        self.log.recover(self.world.random.random() < 0.5)
        self.failed_syncs.forget()
        for table in self.tables.values():
            lost = table.lose(self.world.random)
            if lost:
                self.world.note("lost", table.table.name, lost)

    def committed(self, table: "TableState") -> None:
        """Those who watch the queue are told, or not: the watch is no promise."""
        if table.table.name == "queue":
            self.tell("table")

    def tell(self, what: str) -> None:
        for process, of, wake in self._watching:
            if process.alive and of == what and self.world.random.random() < 0.9:
                self.world.after(self.world.takes_s(), wake)

    def watch(self, world: World, wake: Callable[[], object], of: str) -> Callable[[], None]:
        process = world.here().process

        def tell() -> None:
            if process.alive:
                with contextlib.suppress(RuntimeError):
                    wake()

        entry = (process, of, tell)
        self._watching.append(entry)
        return lambda: self._watching.remove(entry)


# -- the log


class LogState:
    """The content of the log's file. `torn`: a commit that was begun, which may be found or not."""

    def __init__(self, world: World) -> None:
        self.groups: list[Group] = []
        self.flushed = 0
        self.synced: dict[str, int] = {}
        self.highest: dict[str, tuple[int, int]] = {}
        self.torn: tuple[Process, dict[str, list[Record]]] | None = None
        self.lock = Lock(world)
        self.identity = world.random.getrandbits(31) | 1

    def newest(self) -> int:
        return max(self.flushed, self.groups[-1].last if self.groups else 0)

    def add(self, by_table: dict[str, list[Record]]) -> list[Group]:
        for table, records in by_table.items():
            body = b"\n".join(record.body for record in records)
            digests = keys.packed(record.key for record in records)
            first = self.newest() + 1
            self.groups.append(Group(first, len(records), table, body, keys=digests))
        return self.groups[len(self.groups) - len(by_table) :]

    def recover(self, found: bool) -> None:  # noqa: FBT001 - as drawn
        """After a crash: the commit that was begun is found, or is not."""
        if self.torn is not None and found:
            self.add(self.torn[1])
        self.torn = None


def _lines(group: Group, places: Iterable[int]) -> list[tuple[int, bytes]]:
    lines = [*group.lines()]
    return [lines[place] for place in places]


class SimulatedLog:
    """A handle of the log; each commit is synced."""

    def __init__(
        self,
        disk: Disk,
        process: Process,
        groups: list[Group] | None = None,
        *,
        waits: bool = True,
        witness: Witness | None = None,
    ) -> None:
        self._disk, self._state, self._process = disk, disk.log, process
        self._witness = witness
        self._seen = groups
        self._waits = waits
        state = self._state
        if state.torn is not None and not state.torn[0].alive:
            state.recover(disk.world.random.random() < 0.5)

    def append(self, records: Any) -> int:
        by_table: dict[str, list[Record]] = {}
        for record in records:
            by_table.setdefault(record.table, []).append(record)
        if not self._waits and self._state.lock.locked():
            raise JournalError("the journal could not commit: it is locked")
        with self._state.lock:
            self._commit(by_table)
        return sum(map(len, by_table.values()))

    def append_made(self, make: Callable[[], Record]) -> None:
        with self._state.lock:
            record = make()
            self._commit({record.table: [record]})

    def _commit(self, by_table: dict[str, list[Record]]) -> None:
        state = self._state
        try:
            self._disk.check("log write")
            state.torn = (self._process, by_table)
            self._disk.check("log sync")
        except OSError as error:
            raise JournalError(f"the journal could not commit: {error}") from error
        state.torn = None
        groups = state.add(by_table)
        if self._witness is not None:
            self._witness.committed(groups)

    def groups(
        self, *, after: int = 0, rows: int = ALL, size_bytes: int = ALL
    ) -> tuple[list[Group], bool]:
        self._disk.world.operation("log read")
        found: list[Group] = []
        held = held_bytes = 0
        for group in self._groups():
            if group.first > after:
                if held >= rows or held_bytes >= size_bytes:
                    return found, True
                found.append(group)
                held += group.rows
                held_bytes += len(group.body)
        return found, False

    def pending(
        self, table: str, key: str | None = None, *, newest: bool = False
    ) -> list[tuple[int, bytes]]:
        groups = [group for group in self._groups() if group.table == table]
        found = keys.wanted(groups, key, newest=newest)
        return [line for group, places in found for line in _lines(group, places)]

    def _groups(self) -> list[Group]:
        return list(self._state.groups) if self._seen is None else self._seen

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        with self._state.lock:
            try:
                self._disk.check("log change")
            except OSError as error:
                raise sqlite3.OperationalError("disk I/O error") from error
            self._state.torn = None  # written over
            yield

    def forget(self, upto: int, flushed: int, versions: Any, highest: Any) -> None:
        with self._changing():
            state = self._state
            state.groups = [group for group in state.groups if group.first > upto]
            state.flushed = max(state.flushed, flushed)
            self._note(versions, highest)
        if self._witness is not None:
            self._witness.forgotten(upto)

    def note_synced(self, versions: Any, highest: Any) -> None:
        with self._changing():
            self._note(versions, highest)

    def _note(self, versions: Any, highest: Any) -> None:
        self._state.synced |= versions
        both = versions.keys() & highest.keys()
        self._state.highest |= {name: (versions[name], highest[name]) for name in both}

    def highest_numbers(self) -> dict[str, tuple[int, int]]:
        return dict(self._state.highest)

    def note_files(self, new: Any, gone: Any) -> None:
        assert not new, "there are no files here"
        assert not gone, "there are no files here"

    def noted_files(self) -> dict[Any, Any]:
        return {}

    def synced_versions(self) -> dict[str, int]:
        return dict(self._state.synced)

    def raise_flushed(self, number: int) -> None:
        with self._changing():
            self._state.flushed = max(self._state.flushed, number)

    def pending_rows(self) -> int:
        groups = self._groups()
        return groups[-1].last + 1 - groups[0].first if groups else 0

    def newest_number(self) -> int:
        self._disk.world.operation("log read")
        return self._state.newest()

    def identity(self) -> int:
        return self._state.identity

    def close(self) -> None:
        """Nothing is held."""


# -- the queue's file


class QueueState:
    """The content of the queue's file: SQLite itself, in memory. `torn`: as of the log."""

    def __init__(self, world: World) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.lock = Lock(world)
        self.made = False


class SimulatedQueueFile(QueueFile):
    """A handle of the queue's file; each commit is synced, or a crash takes all of it."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__(disk.queue.connection)

    def commit(self, asked: Any, marks: Any, most: int) -> int:
        with self._changing():
            before = super().commit(asked, marks, most)
        # Others may look before its caller is told, and a crash may come in between.
        self._disk.world.operation("queue written")
        if asked:
            self._disk.tell("enqueued")
        return before

    def forget(self, numbers: Any) -> None:
        with self._changing():
            super().forget(numbers)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        with self._disk.queue.lock:
            try:
                self._disk.check("queue file write")
                self._disk.check("queue file sync")
            except OSError as error:
                raise sqlite3.OperationalError("disk I/O error") from error
            yield

    def close(self) -> None:
        """The content stays."""


# -- the tables


@dataclass
class _Version:
    """One version: its rows, and the commits whose files it needs beside its own.

    `files` has the commit that wrote each row, by the row's identity; `deletions` the one that last
    took rows out of a commit's file which has others left.
    """

    commit: Commit
    rows: list[Row]
    files: dict[int, Commit]
    deletions: dict[int, Commit]

    def needs(self) -> list[Commit]:
        return [self.commit, *self.files.values(), *self.deletions.values()]


class TableState:
    """The content of a table's folder: versions, of which those that were synced stay."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.version = 1
        self._written: list[Commit] = []
        self._versions = {1: _Version(Commit([], state="synced", version=1), [], {}, {})}

    @property
    def rows(self) -> list[Row]:
        return self._versions[self.version].rows

    def at(self, version: int) -> list[Row]:
        return self._versions[version].rows

    def located(self, version: int) -> list[tuple[int, Row]]:
        """The rows of a version, each with its id, which begins with its fragment's number."""
        found = self._versions[version]
        return [((found.files[id(row)].version << 32) + n, row) for n, row in enumerate(found.rows)]

    def restored(self, version: int) -> "_Restored":
        return _Restored(self.at(version), of=version)

    def unsynced(self) -> list[Commit]:
        self._written = [commit for commit in self._written if commit.state == "written"]
        return list(self._written)

    def commit(self, commit: Commit) -> int:
        before = self._versions[self.version]
        self.version = commit.version = max(self._versions) + 1
        if isinstance(commit, _Restored):
            old = self._versions[commit.of]
            made = _Version(commit, old.rows, old.files, old.deletions)
        else:
            rows = commit.apply(before.rows)
            files = {id(row): before.files.get(id(row), commit) for row in rows}
            had, has = Counter(map(id, before.files.values())), Counter(map(id, files.values()))
            taken = {file for file in had if file in has and has[file] < had[file]}
            kept = {file: by for file, by in before.deletions.items() if file in has}
            made = _Version(commit, rows, files, kept | dict.fromkeys(taken, commit))
        self._versions[self.version] = made
        self._written.append(commit)
        return self.version

    def lose(self, random: Any) -> int:
        """A loss of power; returns how many versions are gone.

        What is left is the newest version of which all files are there, as a repair would find it.
        """
        written = self.unsynced()
        for commit in written[: random.randint(0, len(written))]:
            commit.state = "synced"
        before = self.version
        while any(c.state != "synced" for c in self._versions[self.version].needs()):
            self.version = max(version for version in self._versions if version < self.version)
        for version in [version for version in self._versions if version > self.version]:
            del self._versions[version]
        self._written = []
        return before - self.version


class _Builder:
    """A commit that is being built, as LanceDB's `merge_insert`."""

    def __init__(self, handle: Any, key: str) -> None:
        self._handle = handle
        self._commit = Commit([], key, lambda _target, _source: False, inserts=False)

    def when_matched_update_all(self, where: str | None = None) -> "_Builder":
        updates = fits(where) if where else lambda _both: True

        def both(target: Row, source: Row) -> bool:
            named = {f"target.{name}": value for name, value in target.items()}
            return updates(named | {f"source.{name}": value for name, value in source.items()})

        self._commit.updates = both
        return self

    def when_not_matched_insert_all(self) -> "_Builder":
        self._commit.inserts = True
        return self

    def execute(self, rows: pa.Table) -> Any:
        self._commit.rows = rows.to_pylist()
        return self._handle.put(self._commit)


class _Query:
    """A query, as LanceDB's `search` and `query` build it."""

    def __init__(self, read: Callable[["_Query"], Any]) -> None:
        self._read = read
        self.columns: list[str] | None = None
        self.fits: Callable[[Row], bool] | None = None
        self.most: int | None = None
        self.row_id = False

    def select(self, columns: list[str]) -> "_Query":
        self.columns = columns
        return self

    def where(self, where: str) -> "_Query":
        self.fits = fits(where)
        return self

    def with_row_id(self, *, with_row_id: bool = True) -> "_Query":
        self.row_id = with_row_id
        return self

    def limit(self, most: int | None) -> "_Query":
        self.most = most
        return self

    def to_arrow(self) -> Any:
        return self._read(self)

    def to_list(self) -> list[Row]:
        found: list[Row] = self._read(self).to_pylist()
        return found

    def to_batches(self, size: int) -> Any:
        found = self._read(self)
        return pa.RecordBatchReader.from_batches(found.schema, found.to_batches(size))


def _found(disk: Disk, state: TableState, at: int | None, query: _Query) -> pa.Table:
    table = state.table
    found = state.located(state.version if at is None else at)
    fit = [(n, row) for n, row in found if query.fits is None or query.fits(row)]
    if query.fits is not None:  # found by an index, they come in any order
        disk.world.random.shuffle(fit)
    fit = fit[: query.most]
    found = pa.Table.from_pylist([row for _, row in fit], schema=table.schema)
    found = found if query.columns is None else found.select(query.columns)
    return found.append_column(ROW_ID, pa.array([n for n, _ in fit])) if query.row_id else found


class SimulatedTable:
    """A handle of a table, for threads."""

    def __init__(self, disk: Disk, state: TableState) -> None:
        self._disk, self._state = disk, state
        self.name = state.table.name
        self._at: int | None = None

    @property
    def schema(self) -> pa.Schema:
        return self._state.table.schema

    @property
    def version(self) -> int:
        return self._state.version if self._at is None else self._at

    def checkout(self, version: int) -> None:
        self._disk.check(f"{self.name} read")
        self._at = version

    def checkout_latest(self) -> None:
        self._at = None

    def list_versions(self) -> list[dict[str, Any]]:
        """All there ever were: a clean-up deletes none here."""
        made = datetime.fromtimestamp(EPOCH_S, UTC)
        return [{"version": n, "timestamp": made} for n in range(1, self._state.version + 1)]

    def restore(self, version: int) -> None:
        self.put(self._state.restored(version))

    @property
    def _rows(self) -> list[Row]:
        return self._state.rows if self._at is None else self._state.at(self._at)

    def put(self, commit: Commit) -> Any:
        self._disk.check(f"{self.name} write")
        version = self._state.commit(commit)
        self._disk.committed(self._state)
        self._disk.world.operation(f"{self.name} written")
        return SimpleNamespace(version=version)

    def add(self, rows: pa.Table) -> Any:
        return self.put(Commit(rows.to_pylist()))

    def merge_insert(self, key: str) -> _Builder:
        return _Builder(self, key)

    def search(self) -> _Query:
        def read(query: _Query) -> pa.Table:
            self._disk.world.operation(f"{self.name} read")
            return _found(self._disk, self._state, self._at, query)

        return _Query(read)

    def count_rows(self, where: str | None = None) -> int:
        row_fits = fits(where) if where else None
        return sum(1 for row in self._rows if row_fits is None or row_fits(row))

    def delete(self, where: str) -> Any:
        return self.put(_Deletion([], fits=fits(where)))

    def optimize(self, *, cleanup_older_than: Any) -> None:
        del cleanup_older_than
        self.put(Commit([]))

    def add_columns(self, schema: pa.Schema) -> None:
        raise NotImplementedError(f"no table here lacks columns, but {schema} were to be added")

    def list_indices(self) -> list[Any]:
        return [SimpleNamespace(columns=[column]) for column in self._state.table.indices]

    def create_index(self, column: str, *, config: Any, replace: bool) -> None:
        raise NotImplementedError(f"no table here lacks an index, but {column} was to get one")


class SimulatedAsyncTable:
    """A handle of the queue, for the loop."""

    def __init__(self, disk: Disk, state: TableState) -> None:
        self._disk, self._state = disk, state
        self.name = state.table.name

    async def uri(self) -> str:
        return self.name

    async def version(self) -> int:
        await self._wait("version")
        return self._state.version

    def query(self) -> _Query:
        async def read(query: _Query) -> pa.Table:
            await self._wait("read")
            found = _found(self._disk, self._state, None, query)
            await self._wait("read")
            return found

        return _Query(read)

    def merge_insert(self, key: str) -> _Builder:
        return _Builder(self, key)

    async def put(self, commit: Commit) -> Any:
        await self._wait("write")
        if self._disk.fault(f"{self.name} write"):
            raise RuntimeError("LanceError(IO): the write failed, as drawn")
        version = self._state.commit(commit)
        self._disk.committed(self._state)
        await self._wait("written")
        return SimpleNamespace(version=version)

    async def _wait(self, what: str) -> None:
        await asyncio.sleep(self._disk.world.takes_s())
        self._disk.world.busy(f"{self.name} {what}")


class SimulatedTables:
    """The tables of the disk."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def repair(
        self, tables: list[Table], evidence: Any, *, deep: bool, roll_back: bool
    ) -> list[Any]:
        """Nothing is torn here: a loss of power left whole versions."""
        del tables, evidence, deep, roll_back
        return []

    def open_or_make(self, table: Table) -> SimulatedTable:
        self._disk.check("open")
        state = self._disk.tables.setdefault(table.name, TableState(table))
        return SimulatedTable(self._disk, state)

    def open_if_there(self, table: Table) -> SimulatedTable | None:
        state = self._disk.tables.get(table.name)
        return None if state is None else SimulatedTable(self._disk, state)

    async def open_async(self, table: Table) -> SimulatedAsyncTable:
        return SimulatedAsyncTable(self._disk, self._disk.tables[table.name])

    def each(self, work: Callable[[Table], T], tables: Sequence[Table]) -> list[T]:
        return [work(table) for table in tables]


class SimulatedFolder(DataFolder):
    """The data folder as one process has it."""

    def __init__(self, disk: Disk, process: Process) -> None:
        super().__init__(Path("/simulated") / process.name)
        self._disk, self._process = disk, process
        self.failed_syncs = disk.failed_syncs
        self._told: int | None = None

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def open_log(
        self,
        durable: Any,
        *,
        checked: bool = False,
        waits: bool = True,
        witness: Witness | None = None,
    ) -> SimulatedLog:
        del durable, checked
        return SimulatedLog(self._disk, self._process, waits=waits, witness=witness)

    @contextlib.contextmanager
    def read_log(self) -> Iterator[SimulatedLog | None]:
        self._disk.world.operation("log read")
        yield SimulatedLog(self._disk, self._process, list(self._disk.log.groups))

    def open_tables(self) -> SimulatedTables:
        return SimulatedTables(self._disk)

    def prepare(self) -> None:
        """It is there."""

    def format(self) -> int:
        return FORMAT

    def record_format(self) -> None:
        """It has its format."""

    @contextlib.contextmanager
    def owned(self) -> Iterator[Any]:
        owner = self._disk.owner
        if owner is not None and owner.alive and owner is not self._process:
            raise FolderOwnedError(f"another worker ({owner.name}) owns the data folder")
        self._disk.owner = self._process
        try:
            yield SimpleNamespace(left="killed" if owner else "clean", proven=lambda: None)
        finally:
            if self._disk.owner is self._process:
                self._disk.owner = None

    def versions_held(self) -> bool:
        return False

    def owner_pid(self) -> int | None:
        return None if self._disk.owner is None else 1

    def prove_log(self) -> Proof:
        return Proof()

    def prove_queue(self) -> Proof:
        return Proof()

    def open_queue(self, *, checked: bool = False) -> SimulatedQueueFile:
        del checked
        state = self._disk.queue
        with state.lock:
            self._disk.check("open")
            if not state.made:
                make_queue(state.connection, before(self.open_tables()))
                state.made = True
        return SimulatedQueueFile(self._disk)

    @contextlib.contextmanager
    def read_queue(self) -> Iterator[SimulatedQueueFile | None]:
        self._disk.world.operation("queue file read")
        yield SimulatedQueueFile(self._disk) if self._disk.queue.made else None

    def queue_id(self) -> tuple[int, int]:
        return 1, 1

    def barrier(self) -> Barrier:
        if self._told is None:
            self._told = self._disk.failures
        return Barrier(self)

    def sync(self) -> None:
        told = self._disk.failures if self._told is None else self._told
        try:
            self._disk.sync(told)
        except OSError:
            self.failed_syncs.add()
            raise
        finally:
            if self._told is not None:
                self._told = self._disk.failures
