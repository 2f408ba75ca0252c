"""The tables as the store uses them: protocols, and their form in LanceDB.

LanceDB's own handles are what the protocols describe, so nothing stands between a caller and them.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pyarrow as pa
from lancedb import DBConnection

from store.lance.losses import Evidence
from store.lance.repair import AT_ONCE, Repaired, repair
from store.lance.tables import (
    Table,
    connect,
    connect_async,
    is_there,
    open_if_there,
    open_or_make,
)

T = TypeVar("T")


class OpenTable(Protocol):
    """The part of LanceDB's handle of a table that is used; each commit is a version more."""

    @property
    def schema(self) -> pa.Schema: ...

    @property
    def version(self) -> int: ...

    def add(self, rows: pa.Table, /) -> Any:
        """Append rows in one commit; the answer names its `version`."""
        ...

    def merge_insert(self, key: str, /) -> Any:
        """Build a commit that puts rows in the place of those with the same key."""
        ...

    def search(self) -> Any:
        """Build a query: `select`, `where`, `limit`, then `to_arrow`, `to_list` or `to_batches`."""
        ...

    def take_row_ids(self, row_ids: list[int], /) -> Any:
        """Build a query of rows by the ids that `search` gave for them; gone ones are left out."""
        ...

    def count_rows(self, where: str | None = None, /) -> int: ...

    def delete(self, where: str, /) -> Any: ...

    def optimize(self, *, cleanup_older_than: timedelta) -> Any: ...

    def add_columns(self, schema: pa.Schema, /) -> Any: ...

    def checkout(self, version: int, /) -> None:
        """Show an older version, until `checkout_latest`."""
        ...

    def checkout_latest(self) -> None: ...

    def restore(self, version: int, /) -> None:
        """Commit an older version again, as the newest."""
        ...

    def list_versions(self) -> list[dict[str, Any]]:
        """Those that no clean-up has deleted, each with its `version`."""
        ...

    def list_indices(self) -> Any: ...

    def create_index(self, column: str, /, *, config: Any, replace: bool) -> Any: ...


class AsyncOpenTable(Protocol):
    """The same of the queue's table, on the loop."""

    async def version(self) -> int: ...

    def query(self) -> Any:
        """Build a query: `select`, `where`, `with_row_id`, then `to_arrow`."""
        ...

    def merge_insert(self, key: str, /) -> Any: ...


class Tables(Protocol):
    """The tables of one folder."""

    def repair(
        self, tables: list[Table], evidence: Evidence, /, *, deep: bool, roll_back: bool
    ) -> list[Repaired]:
        """Make every table readable, or raise and change nothing; see `store.lance.repair`."""
        ...

    def open_or_make(self, table: Table, /) -> OpenTable: ...

    def open_if_there(self, table: Table, /) -> OpenTable | None: ...

    async def open_async(self, table: Table, /) -> AsyncOpenTable: ...

    def each(self, work: Callable[[Table], T], tables: Sequence[Table], /) -> list[T]:
        """Do the work on each table, on several at once where that is faster; results in order."""
        ...


class LanceTables:
    """The tables as LanceDB keeps them in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def connection(self) -> DBConnection:
        """Made at first use: a child of a fork that finds no table needs none."""
        return connect(self._folder)

    def repair(
        self, tables: list[Table], evidence: Evidence, *, deep: bool, roll_back: bool
    ) -> list[Repaired]:
        return repair(
            self.connection, self._folder, tables, evidence, deep=deep, roll_back=roll_back
        )

    def open_or_make(self, table: Table) -> OpenTable:
        opened: OpenTable = open_or_make(self.connection, table)
        return opened

    def open_if_there(self, table: Table) -> OpenTable | None:
        there = is_there(self._folder, table)
        return open_if_there(self.connection, table) if there else None

    async def open_async(self, table: Table) -> AsyncOpenTable:
        connection = await connect_async(self._folder)
        opened: AsyncOpenTable = await connection.open_table(table.name)
        return opened

    def each(self, work: Callable[[Table], T], tables: Sequence[Table]) -> list[T]:
        with ThreadPoolExecutor(AT_ONCE, "open") as threads:
            return list(threads.map(work, tables))
