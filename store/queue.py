"""The queue's table: actions appended by any process, marked processed by the worker alone."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from reins import redaction
from store import times
from store.lance.opening import AsyncOpenTable, OpenTable
from store.lance.ordering import in_order
from store.lance.tables import STAMP, TEXT, Table, quoted

_logger = structlog.get_logger(__name__)
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
    compact_commits=32,  # it is queried for each commit of another process
)
CONTENT = ("type", "agent_id", "session_id", "actor", "payload")
"""The columns that say what an action asks for."""
NUMBER = "queue_n"
"""The column that holds the order of the actions; see `Counter`."""
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
Row = dict[str, Any]


async def waiting(table: AsyncOpenTable, but: Collection[str] = ()) -> list[Row]:
    """Actions not yet processed, in the order in which they were enqueued, `but` those ids.

    Of several rows with an id of `but` the first is left out: the others are repetitions.
    """
    query = table.query().where("processed = false").with_row_id()
    found = in_order(await query.to_arrow(), NUMBER)
    if but:  # before any of them becomes a Python object
        seen: set[str] = set()
        kept = [_is_new(action_id, but, seen) for action_id in found["action_id"].to_pylist()]
        found = found.filter(pa.array(kept, pa.bool_()))
    # Whoever wrote them may not have known the keys that we know.
    return list(map(redaction.redactor().row, found.to_pylist()))


def _is_new(action_id: str, but: Collection[str], seen: set[str]) -> bool:
    new = action_id not in but or action_id in seen
    seen.add(action_id)
    return new


async def unprocessed(table: AsyncOpenTable, limit: int, but: Collection[str] = ()) -> list[Row]:
    """Actions not yet processed `but` those ids, the most urgent first, then in their order."""
    rows = [row for row in await waiting(table, but) if row["action_id"] not in but]
    return sorted(rows, key=lambda row: -(row["urgency"] or 0))[:limit]


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
        for row in (await query.to_arrow()).to_pylist():
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


def find(table: OpenTable, action_id: str) -> Row | None:
    rows: list[Row] = table.search().where(f"action_id = {quoted(action_id)}").limit(None).to_list()
    return taken_up(rows) if rows else None


def changed_since(table: OpenTable, at: datetime) -> list[Row]:
    """Actions created or processed at `at` or later, the oldest first."""
    then = times.literal(at)
    where = f"created_at >= {then} OR processed_at >= {then}"
    rows: list[Row] = table.search().where(where).limit(None).to_list()
    return sorted(rows, key=lambda row: (row["created_at"], row["action_id"]))
