"""From journalled JSON to Arrow without a Python object per row, so the loop keeps the GIL."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from store.journal.file import Group
from store.lance.tables import STAMP, Table


def to_arrow(table: Table, groups: list[Group]) -> pa.Table:
    """The groups' rows with the table's columns, `journal_n` their numbers."""
    lines = b"\n".join(group.body for group in groups)
    numbers = pa.chunked_array(
        [pa.array(range(group.first, group.last + 1), pa.int64()) for group in groups]
    )
    columns = [column for column in table.schema if column.name != "journal_n"]
    parsed = read_lines(lines, columns).append_column("journal_n", numbers)
    return parsed.select(table.schema.names).cast(table.schema)


def read_lines(lines: bytes, columns: list[pa.Field]) -> pa.Table:
    """Rows as JSON, one a line; times are still numbers."""
    # Read as int64, then seen as times (no copy).
    plain = pa.schema([(c.name, pa.int64() if c.type == STAMP else c.type) for c in columns])
    return pj.read_json(
        pa.BufferReader(lines),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(lines) + 1),
        parse_options=pj.ParseOptions(explicit_schema=plain, unexpected_field_behavior="error"),
    )


def from_lines(schema: pa.Schema, lines: list[bytes]) -> pa.Table:
    """Rows as JSON with the columns of a schema."""
    if not lines:
        return schema.empty_table()
    return read_lines(b"\n".join(lines), list(schema)).select(schema.names).cast(schema)


def newest_by(rows: pa.Table, key: str) -> pa.Table:
    """The row with the highest `journal_n` for each value of `key`."""
    newest = rows.group_by(key).aggregate([("journal_n", "max")])["journal_n_max"]
    return rows.filter(pc.is_in(rows["journal_n"], value_set=newest.combine_chunks()))
