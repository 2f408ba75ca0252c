"""The order in which actions were enqueued: by the numbers that their writers took."""

import numpy as np
import pyarrow as pa

ROW_ID = "_rowid"


def in_order(found: pa.Table, number: str) -> pa.Table:
    """The rows of a query with row ids, by the column `number`, without the ids.

    A row that another program wrote has no number: it follows those that are before it in the
    table. Row ids alone do not do: a compaction gives old rows higher ones than what is committed
    meanwhile has.
    """
    found = found.take(np.argsort(found[ROW_ID].to_numpy(), kind="stable"))
    numbers = found[number].to_numpy(zero_copy_only=False).astype(float)
    last = np.maximum.accumulate(np.nan_to_num(numbers, nan=0.0))
    order = np.argsort(np.where(np.isnan(numbers), last, numbers), kind="stable")
    return found.take(order).drop_columns([ROW_ID])
