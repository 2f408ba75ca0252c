"""Rows from outside, checked against their table before they are acknowledged.

A row that does not fit would be found out by the flush, long after its writer was told that it is
safe.
"""

from collections.abc import Mapping
from typing import Any

import orjson
import pyarrow as pa

from store.errors import RowInvalidError
from store.journal.file import Record
from store.lance.tables import JOURNAL_N, STAMP, Table

_UNFIT = (pa.ArrowException, TypeError, ValueError, OverflowError)


def as_arrow(table: Table, *rows: Mapping[str, Any]) -> pa.Table:
    """The rows as a table. Raises: RowInvalidError."""
    for row in rows:
        if unknown := set(row) ^ set(table.schema.names):
            raise RowInvalidError(
                f"a row of {table.name} has unknown or missing columns "
                f"{', '.join(sorted(unknown))}; expected {', '.join(table.schema.names)}"
            )
    try:
        return pa.Table.from_pylist([dict(row) for row in rows], schema=table.schema)
    except _UNFIT:
        for row in rows:
            _check(table, row)
        raise


def _check(table: Table, row: Mapping[str, Any]) -> None:
    """Name the value that does not fit. Raises: RowInvalidError."""
    for column in table.schema:
        try:
            pa.array([row[column.name]], column.type)
        except _UNFIT as error:
            raise RowInvalidError(
                f"{table.name}.{column.name} is {row[column.name]!r:.80}; "
                f"expected {column.type}: {error}"
            ) from None


def own_record(table: Table, row: Mapping[str, Any]) -> Record:
    """The journal's record of a row of ours; keys that are no columns are left out.

    Its times are microseconds since 1970.
    """
    line = orjson.dumps({name: row[name] for name in table.schema.names if name in row})
    return Record(table.name, line, row[table.asked_by])


def as_record(table: Table, row: Mapping[str, Any]) -> Record:
    """The row as the journal takes it, without its number. Raises: RowInvalidError."""
    checked = as_arrow(table, {**row, JOURNAL_N.name: None})
    plain = pa.schema([(c.name, pa.int64() if c.type == STAMP else c.type) for c in table.schema])
    [line] = checked.cast(plain).drop_columns([JOURNAL_N.name]).to_pylist()
    return Record(table.name, orjson.dumps(line), line.get(table.asked_by) or "")
