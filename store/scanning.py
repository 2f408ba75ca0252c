"""Whole tables as batches, with the rows that are not in them yet; a few at a time in memory."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from store.lance.tables import JOURNAL_N, Row, Table
from store.queue import table as queue
from store.queue.reading import beside, pending_actions
from store.reading import Reader
from store.usage import HOURS, Width
from store.usage_reading import unwritten

_NUMBER = JOURNAL_N.name
_OF_QUEUE = ("action_id", queue.NUMBER, "created_at", "processed_at")


def scan(
    store: Reader, table: Table, columns: Sequence[str], where: str | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of a table and those that wait for their flush, each once, in no order.

    Of a table with a key, the newest row of each. Other columns may come along. `where` spares
    rows of the table itself: those that wait come whether they fit or not.
    """
    if table.name == queue.TABLE.name:
        return _queue(store, columns, where)
    if table.summary is not None:
        return _sums(store, table, columns, where)
    return _journalled(store, table, columns, where)


def _journalled(
    store: Reader, table: Table, columns: Sequence[str], where: str | None
) -> Iterator[pa.RecordBatch]:
    key = table.key or _NUMBER
    names = _with(columns, key, _NUMBER)
    # The journal first: a row that is flushed in between is then seen twice, never missed.
    pending: dict[Any, Row] = {}
    for row in store.journalled(table, newest=table.key is not None):
        if row[key] not in pending or pending[row[key]][_NUMBER] < row[_NUMBER]:
            pending[row[key]] = row
    keys = pa.array(pending, table.schema.field(key).type)
    for batch in store.batches(table, where, names):
        yield _without_older(batch, key, keys, pending) if pending else batch
    yield from _as_batches(pending.values(), table.schema, names)


def _without_older(
    batch: pa.RecordBatch, key: str, keys: pa.Array, pending: dict[Any, Row]
) -> pa.RecordBatch:
    """The rows that none of the waiting ones replaces; takes out of those what stands here."""
    twice = pc.is_in(batch[key], value_set=keys)
    if not pc.any(twice).as_py():
        return batch
    stays = []
    for own, number, both in zip(
        batch[key].to_pylist(), batch[_NUMBER].to_pylist(), twice.to_pylist(), strict=True
    ):
        newer = not both or own not in pending or (number or 0) >= pending[own][_NUMBER]
        if both and newer:
            pending.pop(own, None)
        stays.append(newer)
    return batch.filter(pa.array(stays))


def _sums(
    store: Reader, table: Table, columns: Sequence[str], where: str | None
) -> Iterator[pa.RecordBatch]:
    days = timedelta(days=table.retained_days or 0)
    width: Width = "hour" if table.name == HOURS.name else "minute"
    written, rows = unwritten(store, table, width, datetime.now(UTC) - days)
    names = _with(columns, _NUMBER)
    for batch in store.batches(table, where, names):
        # What was written since is counted in the rows that were not.
        yield batch.filter(pc.less_equal(pc.fill_null(batch[_NUMBER], 0), written))
    yield from _as_batches(rows, table.schema, names)


def _queue(store: Reader, columns: Sequence[str], where: str | None) -> Iterator[pa.RecordBatch]:
    names = _with(columns, *_OF_QUEUE)
    pending = pending_actions(store)
    ids = pa.array({action.row["action_id"] for action in pending}, pa.string())
    for batch in store.batches(queue.TABLE, where, names):
        found = queue.readable(pa.Table.from_batches([batch]))
        twice = pc.is_in(found["action_id"], value_set=ids)
        yield from found.filter(pc.invert(twice)).to_batches()
        yield from _as_batches(
            beside(found.filter(twice).to_pylist(), pending), found.schema, names
        )
    yield from _as_batches((action.row for action in pending), queue.TABLE.schema, names)


def _with(columns: Sequence[str], *more: str) -> list[str]:
    return list(dict.fromkeys([*columns, *more]))


def _as_batches(rows: Any, schema: pa.Schema, names: Sequence[str]) -> list[pa.RecordBatch]:
    narrow = pa.schema([schema.field(name) for name in names])
    found = [{name: row.get(name) for name in names} for row in rows]
    return pa.Table.from_pylist(found, schema=narrow).to_batches() if found else []
