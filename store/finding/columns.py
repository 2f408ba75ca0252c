"""Columns of one session's log as a table in memory: stored rows and journalled ones, by `seq`."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from store.id_forms import in_either_form
from store.lance.tables import Table, quoted
from store.reading import Reader


def columns_of(
    table: Table, session_id: str, names: Iterable[str], *, store: Reader, after_seq: int = 0
) -> pa.Table:
    """The rows with `seq` above `after_seq`, each `seq` once, oldest first; with these columns."""
    wanted = list(dict.fromkeys(["seq", "journal_n", *names]))
    schema = pa.schema([table.schema.field(name) for name in wanted])

    def read(session_id: str) -> pa.Table:
        # Journal first: a row that is flushed in between is then seen twice, never missed.
        pending = store.journalled(table, {"session_id": session_id})
        where = f"session_id = {quoted(session_id)}"
        where = f"{where} AND seq > {after_seq}" if after_seq else where
        stored = store.stored(table, where, wanted).cast(schema)
        rows = [{name: row[name] for name in wanted} for row in pending if row["seq"] > after_seq]
        return pa.concat_tables([stored, pa.Table.from_pylist(rows, schema)])

    return _once(in_either_form(session_id, read)).combine_chunks()


def _once(rows: pa.Table) -> pa.Table:
    """In the order of `seq`; of rows with one `seq` the first that was written counts."""
    seqs = rows["seq"].combine_chunks()
    if not len(seqs) or _all(pc.greater(seqs[1:], seqs[:-1])):
        return rows
    rows = rows.sort_by([("seq", "ascending"), ("journal_n", "ascending")])
    seqs = rows["seq"].combine_chunks()
    first = pc.not_equal(seqs[1:], seqs[:-1])
    return rows.filter(pa.concat_arrays([pa.array([True]), first]))


def _all(mask: pa.Array) -> bool:
    return bool(pc.all(mask).as_py())
