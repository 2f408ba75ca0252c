"""The queue as it is looked at: newest actions first, what waits for a session, how much waits."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, Literal

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from store import times
from store.lance.tables import STAMP, quoted
from store.queue import TABLE, taken_up
from store.reading import Reader

Row = dict[str, Any]
State = Literal["queued", "applied", "rejected"]

_WHERE: dict[State, str] = {
    "queued": "processed = false",
    "applied": "outcome = 'applied'",
    "rejected": "outcome = 'rejected'",
}


def list_actions(
    store: Reader,
    *,
    state: State | None = None,
    session_id: str | None = None,
    action_type: str | None = None,
    before: tuple[int, str] | None = None,
    limit: int = 100,
) -> list[Row]:
    """Actions that fit, the newest first, `limit` at the most.

    `before` is the `place` of the last action of the page before. Rows that were written by hand
    without a time count as the oldest.
    """
    parts = [] if state is None else [_WHERE[state]]
    parts += [] if session_id is None else [f"session_id = {quoted(session_id)}"]
    parts += [] if action_type is None else [f"type = {quoted(action_type)}"]
    where = " AND ".join(parts) or None
    # Their ids and times first: a payload may be large, and a page is short.
    keys = store.stored(TABLE, where, ["action_id", "created_at"])
    return get_actions(store, _newest(keys, before, limit))


def place(row: Row) -> tuple[int, str]:
    """Where an action stands in the list: microseconds since 1970, then the id."""
    return times.to_us(row["created_at"] or times.EPOCH), row["action_id"]


def get_actions(store: Reader, action_ids: Sequence[str]) -> list[Row]:
    """The actions with these ids, in this order, as far as they are there."""
    if not action_ids:
        return []
    where = f"action_id IN ({', '.join(map(quoted, action_ids))})"
    by_id: dict[str, list[Row]] = defaultdict(list)
    for row in store.stored(TABLE, where).to_pylist():
        by_id[row["action_id"]].append(row)
    return [taken_up(by_id[action_id]) for action_id in action_ids if action_id in by_id]


def waiting(
    store: Reader, action_types: Collection[str], session_id: str | None = None
) -> list[Row]:
    """Actions of those types that are not yet processed, of one session or of all, in order."""
    names = ", ".join(map(quoted, action_types))
    where = f"processed = false AND type IN ({names})"
    if session_id is not None:
        where += f" AND session_id = {quoted(session_id)}"
    rows: list[Row] = store.stored(TABLE, where).to_pylist()
    return sorted(rows, key=place)


def payload_of(row: Row) -> dict[str, Any]:
    """The action's payload; empty if it was written by hand and is no JSON object."""
    try:
        found = orjson.loads(row["payload"] or "{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def depth(store: Reader) -> int:
    """Actions that are not yet processed."""
    table = store.table(TABLE)
    return 0 if table is None else int(table.count_rows("processed = false"))


def _newest(keys: pa.Table, before: tuple[int, str] | None, limit: int) -> list[str]:
    at = pc.fill_null(keys["created_at"], pa.scalar(times.EPOCH, STAMP)).cast(pa.int64())
    keys = pa.table({"at": at, "action_id": keys["action_id"]})
    if before is not None:
        earlier = pc.less(keys["at"], before[0])
        same = pc.equal(keys["at"], before[0])
        lower = pc.less(keys["action_id"], before[1])
        keys = keys.filter(pc.or_(earlier, pc.and_(same, lower)))
    order = [("at", "descending"), ("action_id", "descending")]
    found = keys.take(pc.select_k_unstable(keys, min(limit, len(keys)), order))
    return list(dict.fromkeys(found["action_id"].to_pylist()))
