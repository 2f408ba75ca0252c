"""The order in which actions were enqueued: by the numbers that their writers took."""

import pyarrow as pa
import pyarrow.compute as pc

ROW_ID = "_rowid"


def in_order(found: pa.Table, number: str) -> pa.Table:
    """The rows of a query with row ids, by the column `number`, without the ids.

    A row that another program wrote has no number: it follows the one that is before it in the
    table. Row ids alone do not do: a compaction gives old rows higher ones than what is committed
    meanwhile has.
    """
    found = found.sort_by(ROW_ID)
    place = pc.fill_null(pc.fill_null_forward(found[number]), 0)
    keys = pa.table({"place": place, ROW_ID: found[ROW_ID]})
    by_place = pc.sort_indices(keys, [("place", "ascending"), (ROW_ID, "ascending")])
    return found.take(by_place).drop_columns([ROW_ID])
