"""Rows of the queue written again, into other files: what they were in may not be on disk."""

import time
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from reins import jitter
from store.lance.opening import OpenTable
from store.lance.ordering import ROW_ID
from store.lance.tables import read_all
from store.queue.table import NUMBER, SAME_ROW, TABLE, readable

_logger = structlog.get_logger(__name__)
_TRIES = 8
_KIND = itemgetter("action_id", NUMBER, "created_at", "processed")


def committed(commit: Callable[[], Any]) -> int:
    """Commit beside other processes; returns the version."""
    for left in reversed(range(_TRIES)):
        try:
            return int(commit().version)
        except RuntimeError as error:
            # Many processes appending at once: LanceDB gives up after its own retries.
            if "commit" not in str(error).lower() or not left:
                raise
            time.sleep(jitter.between(0.005, 0.05))
    raise AssertionError("unreachable")


def write_again(table: OpenTable, version: int | None) -> None:
    """Move every row out of the files that were written since a version; None: out of all files.

    For they may not be on disk, although they are read: see `Barrier`. A fragment of which rows
    were replaced since has such a file too; all of its rows move, and it goes.
    """
    before = {} if version is None else _rows_at(table, version)
    located = _located(table)
    now = _rows_by_fragment(located)
    changed = [number for number, rows in now.items() if before.get(number) != rows]
    fragments = pc.shift_right(located[ROW_ID], 32)
    moving = located.filter(pc.is_in(fragments, pa.array(changed, fragments.type)))
    ids = moving["action_id"].combine_chunks()
    rows = table.search().limit(None).to_arrow()
    put(table, rows.filter(pc.is_in(rows["action_id"], ids)))


def _rows_at(table: OpenTable, version: int) -> dict[int, int]:
    """Rows by fragment; none where the version is cleaned up by now, so that all rows move."""
    try:
        table.checkout(version)
        return _rows_by_fragment(_located(table))
    except (OSError, RuntimeError, ValueError) as error:
        _logger.warning("the whole queue is written again", version=version, error=str(error))
        return {}
    finally:
        table.checkout_latest()


def _located(table: OpenTable) -> pa.Table:
    return read_all(table.search().select(["action_id"]).with_row_id(with_row_id=True))


def _rows_by_fragment(located: pa.Table) -> dict[int, int]:
    counted = pc.value_counts(pc.shift_right(located[ROW_ID], 32))
    return {one["values"]: one["counts"] for one in counted.to_pylist()}


def put(table: OpenTable, rows: pa.Table) -> None:
    """Write rows anew, but those that are marked meanwhile: that has moved them."""
    left = readable(rows).to_pylist()
    same = f"({SAME_ROW}) AND target.processed = source.processed"
    while left:  # one commit holds each id once
        ids = {row["action_id"]: row for row in left}
        merge = table.merge_insert("action_id").when_matched_update_all(where=same)
        data = pa.Table.from_pylist(list(ids.values()), schema=TABLE.schema)
        committed(partial(merge.execute, data))
        kinds = set(map(_KIND, ids.values()))
        left = [row for row in left if _KIND(row) not in kinds]
