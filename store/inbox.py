"""Calls and questions that wait for a person, each with what became of it: the inbox."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import pyarrow as pa

from store import times
from store.journal.file import Record
from store.journal.rows import own_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

TABLE = Table(
    "inbox",
    pa.schema(
        [
            ("item_id", TEXT),
            ("kind", TEXT),
            ("session_id", TEXT),
            ("root_session_id", TEXT),
            ("agent_id", TEXT),
            ("agent_type", TEXT),
            ("tool", TEXT),
            ("args", TEXT),
            ("call_hash", TEXT),
            ("aspects", TEXT),
            ("risk", TEXT),
            ("reasons", TEXT),
            ("thought", TEXT),
            ("preview", TEXT),
            ("state", TEXT),
            ("asked_at", STAMP),
            ("expires_at", STAMP),
            ("decided_by", TEXT),
            ("decided_at", STAMP),
            ("decided_action", TEXT),
            ("decision", TEXT),
            ("reason", TEXT),
            ("final_args", TEXT),
            ("answer", TEXT),
            ("rule_id", TEXT),
            ("outcome_seq", pa.int64()),
            JOURNAL_N,
        ]
    ),
    key="item_id",
    indices={"item_id": "BTREE", "session_id": "BTREE", "state": "BITMAP", "tool": "BITMAP"},
)
OPEN = "asked"
UNSETTLED = ("asked", "approved", "edited")
"""States of items of which something is still to come."""
STATES = (
    *UNSETTLED, "rejected", "answered", "expired", "withdrawn", "ran", "stale", "unknown",
)  # fmt: skip
_BY_PEOPLE = ("approve", "edit", "reject", "answer")

_PLACES = ["item_id", "asked_at", "decided_at"]
_FIRST = (-(1 << 62), "")

Place = tuple[int, str]


def states_of(name: str) -> tuple[str, ...] | None:
    """The states that a filter names: `open`, `all` (None) or one state; none if it is unknown."""
    if name == "all":
        return None
    if name == "open":
        return (OPEN,)
    return (name,) if name in STATES else ()


def record(row: Mapping[str, Any]) -> Record:
    """The journal's record of an item; times are microseconds since 1970."""
    return own_record(TABLE, row)


def get_item(item_id: str, *, store: Reader | None = None) -> dict[str, Any] | None:
    """The newest row of an item; None if there is none."""
    own = {"item_id": item_id}
    rows = (store or reader()).joined(TABLE, own, f"item_id = {quoted(item_id)}")
    return rows[-1] if rows else None


def list_items(
    states: Collection[str] | None = None,
    *,
    session_id: str | None = None,
    kind: str | None = None,
    tool: str | None = None,
    after: Place | None = None,
    limit: int | None = None,
    store: Reader | None = None,
) -> list[dict[str, Any]]:
    """The newest rows of the items that fit, the oldest first.

    `after` is the `place` of the last item of the page before.
    """
    asked = {"session_id": session_id, "kind": kind, "tool": tool}
    same = {name: value for name, value in asked.items() if value is not None}

    def fits(row: Mapping[str, Any]) -> bool:
        return (
            (states is None or row["state"] in states)
            and all(row[name] == value for name, value in same.items())
            and (after is None or place(row) > after)
        )

    where = [f"{name} = {quoted(value)}" for name, value in same.items()]
    if states is not None:
        where.append(f"state IN ({', '.join(map(quoted, states))})")
    if after is not None:
        where.append(f"asked_at >= {times.literal(times.from_us(after[0]))}")
    beyond = _FIRST if after is None else after
    rows = _newest(
        " AND ".join(where), fits, store or reader(), order=place, beyond=beyond, limit=limit
    )
    return sorted(rows, key=place)[:limit]


def count_open(*, store: Reader | None = None) -> int:
    """The number of items that nobody has decided."""
    reading = store or reader()
    newest = {row["item_id"]: row for row in reading.journalled(TABLE, newest=True)}
    where = f"state = {quoted(OPEN)}"
    stored = set(reading.stored(TABLE, where, ["item_id"])["item_id"].to_pylist())
    return len(stored - newest.keys()) + [row["state"] for row in newest.values()].count(OPEN)


def list_decided_like(
    kind: str, tool: str, but: str, limit: int = 5, *, store: Reader | None = None
) -> list[dict[str, Any]]:
    """The newest decisions of people about items of a kind and tool, but one, newest first."""

    def fits(row: Mapping[str, Any]) -> bool:
        like = row["kind"] == kind and row["tool"] == tool and row["item_id"] != but
        return bool(like and row["decision"] in _BY_PEOPLE)

    decisions = ", ".join(map(quoted, _BY_PEOPLE))
    where = f"kind = {quoted(kind)} AND tool = {quoted(tool)} AND decision IN ({decisions})"
    where += f" AND item_id != {quoted(but)}"

    def latest(row: Mapping[str, Any]) -> Place:
        return -times.to_us(row["decided_at"] or times.EPOCH), row["item_id"]

    rows = _newest(where, fits, store or reader(), order=latest, beyond=_FIRST, limit=limit)
    return sorted(rows, key=latest)[:limit]


def place(row: Mapping[str, Any]) -> Place:
    """The place of an item in the list: microseconds since 1970, then the id."""
    return times.to_us(row["asked_at"]), row["item_id"]


def _newest(
    where: str,
    fits: Callable[[Mapping[str, Any]], bool],
    reading: Reader,
    *,
    order: Callable[[Mapping[str, Any]], Place],
    beyond: Place,
    limit: int | None,
) -> list[dict[str, Any]]:
    """The newest rows that fit; with a limit, at least the first ones beyond a place."""
    # The journal first, and all of it: it may hold a newer state of what the table finds.
    newest: dict[str, dict[str, Any]] = {}
    pending = reading.journalled(TABLE, newest=True)
    if limit is not None:
        # Their places first: a preview may be large, and a page is short.
        places = map(order, reading.stored(TABLE, where or None, _PLACES).to_pylist())
        first = sorted(place for place in places if place > beyond)
        # Of those that are journalled as well, each may not fit any more.
        ids = [item_id for _, item_id in first[: limit + len({r["item_id"] for r in pending})]]
        where = f"item_id IN ({', '.join(map(quoted, ids))})" if ids else "false"
    for row in (*reading.stored(TABLE, where or None).to_pylist(), *pending):
        known = newest.get(row["item_id"])
        if known is None or known["journal_n"] < row["journal_n"]:
            newest[row["item_id"]] = row
    return [row for row in newest.values() if fits(row)]
