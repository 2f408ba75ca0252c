"""The queue's table: the record of what was asked for, and of what became of it.

Actions come in through the queue's file (`store.queue.file`), and are carried here with their
outcomes. What another program appends here without an outcome is taken up all the same.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from reins import redaction
from store.lance.opening import AsyncOpenTable, OpenTable
from store.lance.ordering import in_order
from store.lance.tables import STAMP, TEXT, Table, quoted, read_all

TABLE = Table(
    "queue",
    pa.schema(
        [
            ("action_id", TEXT),
            ("type", TEXT),
            ("agent_id", TEXT),
            ("session_id", TEXT),
            ("actor", TEXT),
            ("created_at", STAMP),
            ("urgency", pa.int64()),
            ("description", TEXT),
            ("payload", TEXT),
            ("metadata", TEXT),
            ("processed", pa.bool_()),
            ("processed_at", STAMP),
            ("outcome", TEXT),
            ("error", TEXT),
            ("applied_seq", pa.int64()),
            ("queue_n", pa.int64()),
        ]
    ),
    key="action_id",
    indices={"processed": "BITMAP", "action_id": "BTREE"},
)
CONTENT = ("type", "agent_id", "session_id", "actor", "payload")
"""The columns that say what an action asks for."""
NUMBER = "queue_n"
"""The column that holds the order of the actions; what another program wrote may have none."""
SAME_ROW = (
    f"target.{NUMBER} = source.{NUMBER}"
    f" OR ((target.{NUMBER} IS NULL OR source.{NUMBER} IS NULL)"
    " AND (target.created_at = source.created_at"
    " OR (target.created_at IS NULL AND source.created_at IS NULL)))"
)
"""Tells apart rows of one id: by their numbers. What another program wrote has none."""
ID_REUSED = "this action_id was used before"
"""How the error of an action begins that has the id of another."""
_LISTED = 500
_WAITS = "processed = false"
_FIRST = pa.scalar(datetime(1, 1, 1, tzinfo=UTC), STAMP)
_LAST = pa.scalar(datetime(9999, 12, 31, tzinfo=UTC), STAMP)
Row = dict[str, Any]


async def waiting(table: AsyncOpenTable) -> list[Row]:
    """Actions that wait in the table, in the order in which they were put there."""
    found = await table.query().where(_WAITS).with_row_id().to_arrow()
    return _without_keys(in_order(found, NUMBER))


def waiting_rows(table: OpenTable) -> list[Row]:
    """The same, blocking: those that have an id, with the columns that we know."""
    found = table.search().where(_WAITS).with_row_id(with_row_id=True).limit(None).to_arrow()
    if NUMBER not in found.schema.names:  # made by an older Reins, and no worker ran since
        found = found.append_column(NUMBER, pa.nulls(found.num_rows, pa.int64()))
    rows = _without_keys(in_order(found, NUMBER))
    names = TABLE.schema.names
    return [{n: row.get(n) for n in names} for row in rows if row["action_id"] is not None]


def readable(found: pa.Table) -> pa.Table:
    """The rows whose times Python has: what another program wrote there may be none."""
    for name in ("created_at", "processed_at"):
        if found[name].type == STAMP:
            fits = pc.and_(pc.greater_equal(found[name], _FIRST), pc.less_equal(found[name], _LAST))
            found = found.filter(pc.fill_null(fits, fill_value=True))
    return found


def _without_keys(found: pa.Table) -> list[Row]:
    # Whoever wrote them may not have known the keys that we know.
    return list(map(redaction.redactor().row, readable(found).to_pylist()))


def highest(table: OpenTable) -> int:
    """The highest number in the table; 0 if there is none."""
    if NUMBER not in table.schema.names:
        return 0
    return pc.max(read_all(table.search().select([NUMBER]))[NUMBER]).as_py() or 0


async def answered(table: AsyncOpenTable, action_ids: Sequence[str]) -> dict[str, Row]:
    """The processed actions among those ids; of several with one id, the one taken up.

    One that was rejected for its id is none of them: the id is another's, which may still wait.
    """
    if len(action_ids) > _LISTED:  # too many for a filter
        ids = await table.query().where("processed = true").select(["action_id"]).to_arrow()
        named = pc.is_in(ids["action_id"], pa.array(action_ids, TEXT))
        action_ids = pc.unique(ids["action_id"].filter(named)).to_pylist()
    found: dict[str, list[Row]] = defaultdict(list)
    for begin in range(0, len(action_ids), _LISTED):
        listed = ", ".join(map(quoted, action_ids[begin : begin + _LISTED]))
        query = table.query().where(f"processed = true AND action_id IN ({listed})")
        for row in readable(await query.to_arrow()).to_pylist():
            if not is_refused(row):
                found[row["action_id"]].append(row)
    return {action_id: taken_up(rows) for action_id, rows in found.items()}


async def mark(table: AsyncOpenTable, rows: list[Row]) -> int:
    """Replace the actions' rows, each by its id and time, in one commit; returns its version."""
    without_keys = list(map(redaction.redactor().row, rows))  # an outcome's error may hold one
    data = pa.Table.from_pylist(without_keys, schema=TABLE.schema)
    merge = table.merge_insert("action_id").when_matched_update_all(where=SAME_ROW)
    return int((await merge.execute(data)).version)


def same_content(row: Row, other: Row) -> bool:
    """True if both ask for the same: one of them is the other, sent again."""
    row, other = map(
        redaction.redactor().row, (row, other)
    )  # one may be from before a key was known
    return all(row[column] == other[column] for column in CONTENT)


def taken_up(rows: Sequence[Row]) -> Row:
    """Of the rows with one id, the one whose outcome is the id's: an id is taken up once."""
    return min(rows, key=lambda row: (is_refused(row), not row["processed"], row.get(NUMBER) or 0))


def is_refused(row: Row) -> bool:
    """True if the action was rejected for its id, which is another's."""
    return (row["error"] or "").startswith(ID_REUSED)
