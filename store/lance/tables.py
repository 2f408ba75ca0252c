"""A table as it is declared, and how one is opened: made at first use, complete."""

import contextlib
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Protocol

import lancedb
import pyarrow as pa
import structlog
from lancedb.index import Bitmap, BTree
from lancedb.table import LanceTable

from store.errors import StoreError
from store.lance import manifest as manifests

_logger = structlog.get_logger(__name__)

TEXT = pa.string()
IndexKind = Literal["BTREE", "BITMAP"]
Row = dict[str, Any]
STAMP = pa.timestamp("us", tz="UTC")
JOURNAL_N = pa.field("journal_n", pa.int64())

BATCH_ROWS = 65_536
_INDEX_CACHE_BYTES = 64 << 20
_METADATA_CACHE_BYTES = 64 << 20
_TRIES = 3

COMPACT_COMMITS = 64
"""Commits after which a table is compacted: a query pays for each piece that is not."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """The rule by which rows of one table follow from another's.

    `row` makes a row of the table from a row of the table named `source`. `key` is a column of
    both: only the newest source row of each of its values counts.
    """

    source: str
    key: str
    row: Callable[[Row], Row]


class Sums(Protocol):
    """The sums of some rows of a table, in memory; added to by one thread at a time."""

    def add(self, rows: pa.Table) -> None:
        """Count these rows in."""

    def rows(self) -> list[Row]:
        """The sums as rows of the table that keeps them, without their number."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The rule by which rows of one table sum up another's, which is only appended to.

    `sums` makes an empty sum. Every `every_s` a set of rows is written for what came since the set
    before; its number is that of the last row that it counts. `columns` are those of the source
    that are summed up, and `at` the time among them.
    """

    source: str
    columns: tuple[str, ...]
    at: str
    every_s: float
    sums: Callable[[], Sums]


@dataclass(frozen=True, slots=True)
class Table:
    """A table's name, columns, key and indices, and how its rows come and go.

    `key` names the column of which the newest row wins; None means that rows are only appended.
    `derived` says how rows follow from another table's, `summary` how they sum up another's.
    `retained_by` names the column with the time from which a row is kept for as many days as
    records are, or for `retained_days`; None keeps rows for ever.
    `read_by` names the column that readers ask the journal's rows for, if it is not the key.
    """

    name: str
    schema: pa.Schema
    key: str | None
    indices: Mapping[str, IndexKind] = field(default_factory=dict)
    derived: Derivation | None = None
    summary: Summary | None = None
    retained_by: str | None = None
    retained_days: float | None = None
    compact_commits: int = COMPACT_COMMITS
    read_by: str | None = None

    @property
    def asked_by(self) -> str:
        """The column whose value a journalled row is found by; empty if there is none."""
        return self.read_by or self.key or ""

    @property
    def follows(self) -> str | None:
        """The table that its rows follow from: they have the numbers of its rows."""
        rule = self.derived or self.summary
        return None if rule is None else rule.source

    @property
    def journalled(self) -> bool:
        """True if rows come through the journal; others are committed and marked in place."""
        return JOURNAL_N.name in self.schema.names


def connect(folder: Path) -> lancedb.DBConnection:
    """A connection with bounded caches that sees what other processes commit."""
    return lancedb.connect(
        str(folder), read_consistency_interval=timedelta(0), session=_bounded_caches()
    )


async def connect_async(
    folder: Path, caches: lancedb.Session | None = None
) -> lancedb.AsyncConnection:
    """The same for a loop; with caches of its own where it is given some."""
    return await lancedb.connect_async(
        str(folder),
        read_consistency_interval=timedelta(0),
        session=caches or _bounded_caches(),
    )


def caches_of(index_bytes: int) -> lancedb.Session:
    """Caches for several connections: LanceDB fills each up to its bound and never empties it."""
    return lancedb.Session(
        index_cache_size_bytes=index_bytes, metadata_cache_size_bytes=_METADATA_CACHE_BYTES
    )


@functools.cache
def _bounded_caches() -> lancedb.Session:
    """One for the process."""
    return caches_of(_INDEX_CACHE_BYTES)


def open_or_make(db: lancedb.DBConnection, table: Table) -> LanceTable:
    """The table, made if it is missing; two processes may do this at once."""
    opened = open_if_there(db, table) if is_there(Path(db.uri), table) else None
    if opened is not None:
        return opened
    try:
        made = db.create_table(table.name, schema=table.schema, exist_ok=True)
        add_indices(made, table)
    except (RuntimeError, ValueError, OSError) as error:
        # Another process was making it at the same moment: theirs is as good.
        try:
            return db.open_table(table.name)
        except ValueError:
            raise StoreError(f"table {table.name} cannot be made: {error}") from error
    return made


def open_if_there(db: lancedb.DBConnection, table: Table) -> LanceTable | None:
    """The table at its newest version; None while nobody has made it.

    LanceDB passes over a manifest that the system does not let it look at: it takes an older
    version for the newest, or the table for absent. Raises: OSError, RuntimeError then.
    """
    path = Path(db.uri) / f"{table.name}.lance"
    for _ in range(_TRIES):
        there = manifests.manifests(path)  # before it is opened: others may commit meanwhile
        opened = _open(db, table)
        if not there or _version(opened) >= manifests.version_of(there[0]):
            return opened
        with contextlib.suppress(FileNotFoundError):  # compacted away since
            there[0].stat()
    raise RuntimeError(f"LanceDB does not find the newest version of {path}, {there[0].name}")


def is_there(folder: Path, table: Table) -> bool:
    """True if anything of the table is in the folder; without LanceDB, as a child of a fork asks.

    Raises: OSError where the system does not let one look.
    """
    try:
        (folder / f"{table.name}.lance").stat()
    except FileNotFoundError:
        return False
    return True


def _version(opened: LanceTable | None) -> int:
    return 0 if opened is None else int(opened.version)  # an empty table is false


def _open(db: lancedb.DBConnection, table: Table) -> LanceTable | None:
    try:
        return db.open_table(table.name)
    except ValueError as error:
        if "not found" not in str(error):
            raise
        return None


def read_all(query: Any) -> pa.Table:
    """All rows of a query of a table's narrow columns, in one piece.

    LanceDB's batches of 1,024 rows take up to ten times as long. Of wide ones these are too large:
    Arrow has no column of texts beyond 2 GiB.
    """
    return query.limit(None).to_batches(BATCH_ROWS).read_all()


async def read_all_async(query: Any) -> pa.Table:
    """The same of a query on a loop."""
    batches = await query.to_batches(max_batch_length=BATCH_ROWS)
    return pa.Table.from_batches(await batches.read_all(), schema=batches.schema)


def complete(opened: LanceTable, table: Table) -> list[str]:
    """Add the columns and indices that an older Reins did not have; returns the columns added."""
    there = set(opened.schema.names)  # each look at it is a turn of LanceDB's own loop
    missing = [column for column in table.schema if column.name not in there]
    if missing:
        opened.add_columns(pa.schema(missing))
    add_indices(opened, table)
    return [column.name for column in missing]


def add_indices(opened: LanceTable, table: Table) -> None:
    there = {column for index in opened.list_indices() for column in index.columns}
    for column, kind in table.indices.items():
        if column not in there:
            make_index(opened, column, kind)


def make_index(opened: LanceTable, column: str, kind: IndexKind) -> None:
    """Make the column's index, or make it again."""
    opened.create_index(column, config=BTree() if kind == "BTREE" else Bitmap(), replace=True)


def quoted(value: str) -> str:
    """`value` as a string literal of a filter."""
    return "'" + value.replace("'", "''") + "'"
