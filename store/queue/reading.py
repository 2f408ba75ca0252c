"""The queue as it is looked at: what its file and its table hold, as one."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from reins.threads import ACTIONS
from store import times
from store.folder import DataFolder
from store.lance.opening import AsyncOpenTable
from store.lance.tables import STAMP, quoted
from store.queue.rows import Action
from store.queue.table import NUMBER, TABLE, Row, answered, is_refused, readable, taken_up
from store.queue.table import waiting as waiting_in_table
from store.reading import Reader

State = Literal["queued", "applied", "rejected"]

_WHERE: dict[State, str] = {
    "queued": "processed = false",
    "applied": "outcome = 'applied'",
    "rejected": "outcome = 'rejected'",
}
_LISTED = 500
Place = tuple[int, str]


def find(store: Reader, action_id: str) -> Row | None:
    """The action with this id; None if there is none."""
    found = get_actions(store, [action_id])
    return found[0] if found else None


async def processed(
    folder: DataFolder, table: AsyncOpenTable, action_ids: Sequence[str]
) -> dict[str, Row]:
    """Of these ids, the actions that have their outcome, and were not refused."""

    def in_file() -> dict[str, Row]:
        with folder.read_queue() as file:
            return {} if file is None else file.processed(action_ids)

    found = await ACTIONS.call(in_file)  # first, as everywhere
    left = [action_id for action_id in action_ids if action_id not in found]
    return found | (await answered(table, left) if left else {})


def list_actions(
    store: Reader,
    *,
    state: State | None = None,
    session_id: str | None = None,
    action_type: str | None = None,
    before: Place | None = None,
    limit: int = 100,
) -> list[Row]:
    """Actions that fit, the newest first, `limit` at the most.

    `before` is the `place` of the last action of the page before. Rows that were written by hand
    without a time count as the oldest.
    """
    named = {"session_id": session_id, "type": action_type}
    columns = {name: value for name, value in named.items() if value is not None}
    # The file first: what is carried over in between is then seen twice, never missed.
    pending = _in_file(store, columns)
    fitting = [a for a in pending if state is None or (a.row["outcome"] or "queued") == state]
    parts = [] if state is None else [_WHERE[state]]
    parts += [f"{name} = {quoted(value)}" for name, value in columns.items()]
    # Their ids and times first: a payload may be large, and a page is short.
    keys = store.stored(TABLE, " AND ".join(parts) or None, ["action_id", "created_at"])
    shown = [place(action.row) for action in fitting]
    if state is not None:  # what is in both has its state in the file
        left_out = {action.row["action_id"] for action in pending} - {name for _, name in shown}
        keys = keys.filter(pc.invert(pc.is_in(keys["action_id"], pa.array(left_out, pa.string()))))
    return get_actions(store, _newest(keys, shown, before, limit))


def place(row: Row) -> Place:
    """Where an action stands in the list: microseconds since 1970, then the id."""
    return times.to_us(row["created_at"] or times.EPOCH), row["action_id"]


def get_actions(store: Reader, action_ids: Sequence[str]) -> list[Row]:
    """The actions with these ids, in this order, as far as they are there."""
    by_id: dict[str, list[Row]] = defaultdict(list)
    left: list[str] = []
    pending: list[Action] = []
    with store.folder.read_queue() as file:
        for action_id in dict.fromkeys(action_ids):
            found = [] if file is None else file.of_id(action_id)
            pending += found
            by_id[action_id] += [action.row for action in found]
            # Where nobody can have used the id before, the table need not be asked.
            if not any(action.new and not is_refused(action.row) for action in found):
                left.append(action_id)
    for at in range(0, len(left), _LISTED):
        where = f"action_id IN ({', '.join(map(quoted, left[at : at + _LISTED]))})"
        for row in beside(_stored(store, where), pending):
            by_id[row["action_id"]].append(row)
    return [taken_up(by_id[action_id]) for action_id in action_ids if by_id[action_id]]


def waiting(
    store: Reader, action_types: Collection[str], session_id: str | None = None
) -> list[Row]:
    """Actions of those types that are not yet processed, of one session or of all, in order."""
    columns = {} if session_id is None else {"session_id": session_id}
    pending = _in_file(store, columns)
    names = ", ".join(map(quoted, action_types))
    where = f"processed = false AND type IN ({names})"
    if session_id is not None:
        where += f" AND session_id = {quoted(session_id)}"
    rows = [a.row for a in pending if not a.row["processed"] and a.row["type"] in action_types]
    rows += beside(_stored(store, where), pending)
    return sorted(rows, key=place)


def changed_since(store: Reader, at: datetime) -> list[Row]:
    """Actions created or processed at `at` or later, the oldest first."""
    with store.folder.read_queue() as file:
        where = "created_us >= ? OR mark IS NOT NULL"
        pending = [] if file is None else file.matching(where, times.to_us(at))
    then = times.literal(at)
    where = f"created_at >= {then} OR processed_at >= {then}"
    rows = [a.row for a in pending if max(_times(a.row), default=at) >= at]
    rows += beside(_stored(store, where), pending)
    return sorted(rows, key=place)


def _times(row: Row) -> list[datetime]:
    return [at for at in (row["created_at"], row["processed_at"]) if at is not None]


def newest_number(store: Reader) -> int:
    """The number of the newest action; 0 if there is none."""
    with store.folder.read_queue() as file:
        return 0 if file is None else file.place().action


def numbered(store: Reader, after: int, upto: int) -> list[Row]:
    """Actions with a number above `after` and up to `upto`, in order; numbers have gaps."""
    with store.folder.read_queue() as file:
        pending = [] if file is None else file.matching("n > ? AND n <= ?", after, upto)
    stored = _stored(store, f"{NUMBER} > {int(after)} AND {NUMBER} <= {int(upto)}")
    rows = [action.row for action in pending] + beside(stored, pending)
    return sorted(rows, key=lambda row: row[NUMBER] or 0)


def everything(store: Reader, *, processed: bool | None = None) -> list[Row]:
    """All actions, or those that are processed or not, in the order of their numbers."""
    pending = _in_file(store, {})
    stored = _stored(store, None)
    rows = [action.row for action in pending] + beside(stored, pending)
    fitting = [row for row in rows if processed is None or bool(row["processed"]) is processed]
    return sorted(fitting, key=lambda row: row[NUMBER] or 0)


def payload_of(row: Row) -> dict[str, Any]:
    """The action's payload; empty if it was written by hand and is no JSON object."""
    try:
        found = orjson.loads(row["payload"] or "{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def pending_actions(store: Reader) -> list[Action]:
    """The actions in the queue's file, processed or not: those that its table may not have yet."""
    return _in_file(store, {})


def depth(store: Reader) -> int:
    """Actions that are not yet processed."""
    with store.folder.read_queue() as file:
        pending = 0 if file is None else file.place().waiting
        adopted = 0 if file is None else len(file.adopted())
    table = store.table(TABLE)
    stored = 0 if table is None else store.count(TABLE, "processed = false")
    return pending + max(0, stored - adopted)


async def unprocessed(
    folder: DataFolder, table: AsyncOpenTable, but: Collection[str] = ()
) -> list[Row]:
    """Actions not yet processed, `but` those ids, in order; those in the table alone come last."""

    def in_file() -> list[Action]:
        with folder.read_queue() as file:
            return [] if file is None else file.matching("mark IS NULL OR adopted")

    pending = await ACTIONS.call(in_file)
    waits = [action.row for action in pending if not action.row["processed"]]
    waits += beside(await waiting_in_table(table), pending)
    return [row for row in waits if row["action_id"] not in but]


def is_same(action: Action, row: Row) -> bool:
    """True if the table's row is the file's action."""
    if action.row["action_id"] != row["action_id"]:
        return False
    if not action.adopted:
        return bool(row.get(NUMBER) == action.number)
    return bool(row.get(NUMBER) == action.table_n and row["created_at"] == action.row["created_at"])


def beside(rows: Iterable[Row], pending: Iterable[Action]) -> list[Row]:
    """The table's rows that the file does not have as well."""
    by_id: dict[str, list[Action]] = defaultdict(list)
    for action in pending:
        by_id[action.row["action_id"]].append(action)
    return [
        row for row in rows if not any(is_same(a, row) for a in by_id.get(row["action_id"], ()))
    ]


def _stored(store: Reader, where: str | None) -> list[Row]:
    found: list[Row] = readable(store.stored(TABLE, where)).to_pylist()
    return found


def _in_file(store: Reader, columns: dict[str, str]) -> list[Action]:
    where = " AND ".join(f"{name} = ?" for name in columns) or "1"
    with store.folder.read_queue() as file:
        return [] if file is None else file.matching(where, *columns.values())


def _newest(
    keys: pa.Table, pending: Sequence[Place], before: Place | None, limit: int
) -> list[str]:
    at = pc.fill_null(keys["created_at"], pa.scalar(times.EPOCH, STAMP)).cast(pa.int64())
    keys = pa.table({"at": at, "action_id": keys["action_id"]})
    if pending:
        own = {"at": [when for when, _ in pending], "action_id": [name for _, name in pending]}
        keys = pa.concat_tables([keys, pa.table(own, schema=keys.schema)])
    if before is not None:
        earlier = pc.less(keys["at"], before[0])
        same = pc.equal(keys["at"], before[0])
        lower = pc.less(keys["action_id"], before[1])
        keys = keys.filter(pc.or_(earlier, pc.and_(same, lower)))
    order = [("at", "descending"), ("action_id", "descending")]
    # An action that is in both stands there twice.
    found = keys.take(pc.select_k_unstable(keys, min(2 * limit, len(keys)), order))
    return list(dict.fromkeys(found["action_id"].to_pylist()))[:limit]
