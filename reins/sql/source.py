"""Our tables as DuckDB asks for them: the columns and rows that a statement needs, no others."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.dataset

from reins.sql.pushdown import usable
from store.lance.tables import Table
from store.reading import Reader
from store.scanning import scan


class Source(pyarrow.dataset.Dataset):  # type: ignore[misc]
    """A table with the rows that wait for their flush. DuckDB knows datasets by this class, and
    asks them for a scanner, with the columns and the filter that it has found.
    """

    def __init__(self, store: Reader, table: Table) -> None:
        # Without the class's own, which is for PyArrow's files.
        self._store = store
        self._table = table

    @property
    def schema(self) -> pa.Schema:
        return self._table.schema

    def scanner(
        self,
        columns: Sequence[str] | None = None,
        filter: Any = None,  # noqa: A002 - its name there
        **_: Any,
    ) -> "_Scanner":
        names = list(columns or self.schema.names)
        schema = pa.schema([self.schema.field(name) for name in names])
        batches = self._batches(names, filter)
        return _Scanner(pa.RecordBatchReader.from_batches(schema, batches))

    def _batches(self, names: list[str], fits: Any) -> Iterator[pa.RecordBatch]:
        told = "" if fits is None else str(fits)
        where = usable(told, self.schema)
        needed = [*names, *(name for name in self.schema.names if name in told)]
        for batch in scan(self._store, self._table, needed, where):
            yield (batch if fits is None else batch.filter(fits)).select(names)


class _Scanner:
    """The part of PyArrow's scanner that DuckDB uses."""

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self._reader = reader

    def to_reader(self) -> pa.RecordBatchReader:
        return self._reader
