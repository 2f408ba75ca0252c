"""The runs of a plan's tasks over time, from the rows of its log and the trees that they keep."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from reins.plans.paths import RETURNED_KIND
from reins.plans.tree import places
from reins.web.views.rows import Row
from store.times import iso, to_us

_OF_PERSON = {"skip": "skipped", "set": "set", "cancel": "cancelled", "retry": "retried"}
_TOO_LATE = "unused"
_CUT = 300  # characters
_TURN = re.compile(r"[#~]\d+")


def node_of(path: str) -> str:
    """The path of a node of the plan, of that of one of its runs: without turns and attempts."""
    return _TURN.sub("", path)


@dataclass(frozen=True, slots=True)
class Live:
    """A task that is live, and the row that let it begin; None where that is not known."""

    name: str
    since: datetime | None
    seq: int | None


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds until an alarm, as they were at a time; when the wait began, None where that is not
    known, and the row that tells of it.
    """

    left_s: float
    at: datetime
    since: datetime | None
    seq: int


@dataclass(slots=True)
class History:
    """The runs and decisions that rows of a plan tell, as `PlanRun` and `PlanDecision`.

    `live`, `waits` and `tree` are as they stood at the newest row. `begun` has the paths of nodes
    that have been entered, `within` of those that stand now, `returned` the plans that actions have
    returned.
    """

    runs: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    live: dict[str, Live] = field(default_factory=dict)
    waits: dict[str, Waits] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    within: set[str] = field(default_factory=set)
    returned: dict[str, str] = field(default_factory=dict)
    status: str = ""
    tree: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)


def history(rows: Iterable[Row], *, is_whole: bool) -> History:
    """The runs that rows tell, oldest first. `is_whole`: nothing of the session's life is older."""
    folding = _Folding(is_whole=is_whole)
    for row in rows:
        folding.take(row)
    return folding.made


class _Folding:
    def __init__(self, *, is_whole: bool) -> None:
        self.made = History()
        self._is_whole = is_whole

    def take(self, row: Row) -> None:
        made, snapshot = self.made, orjson.loads(row["state"] or "{}")
        made.status, made.state = snapshot.get("status", ""), snapshot.get("agent") or {}
        payload = orjson.loads(row["payload"] or "{}")
        if row["kind"] == "tick":
            for each in payload.get("nodes") or ():
                self._end(row, each["path"], each["outcome"], each)
            made.decisions += [
                {"seq": row["seq"], "node": node_of(each["path"]), **each}
                for each in payload.get("decisions") or ()
            ]
            made.begun |= {node_of(each["path"]) for each in payload.get("decisions") or ()}
        elif row["kind"] == "guidance":
            order = payload.get("guidance")
            if isinstance(order, dict) and order.get("path") in made.live:
                self._end(row, order["path"], _OF_PERSON.get(order.get("type", ""), "cancelled"))
        made.tree = _standing(row["kind"], made.status, made.state)
        again = made.state.get("again") or {}  # its end is on record, and is taken in once more
        self._stand(row, made.tree, ended=again.get("path"))
        self._is_whole = True

    def _end(
        self, row: Row, path: str, outcome: str, told: Mapping[str, Any] | None = None
    ) -> None:
        """A run is over. Its start is the piece's own, or else that of the row that began it."""
        told, was = told or {}, self.made.live.pop(path, None)
        began_us, took_ms = told.get("started_at"), told.get("took_ms")
        if outcome == "done" and began_us is None:
            outcome = _TOO_LATE
        began = began_us if was is None or began_us is not None else was.since
        ended_us = None if began_us is None else round(began_us + (took_ms or 0.0) * 1e3)
        said = told.get("said") or []
        self.made.runs.append(
            {
                "node": node_of(path),
                "path": path,
                "name": told.get("name") or (None if was is None else was.name),
                "outcome": outcome,
                "seq": row["seq"],
                "started_at": iso(began),
                "ended_at": iso(row["created_at"] if ended_us is None else ended_us),
                "said": _cut(said[-1]) if said else None,
                "error": _cut(told["error"]) if told.get("error") else None,
                "tokens": told.get("tokens", 0),
                "cost_usd": told.get("cost_usd", 0.0),
            }
        )

    def _stand(self, row: Row, tree: dict[str, Any], *, ended: str | None) -> None:
        """The tree after a row: what has gone without a word was cancelled with what ended."""
        made, at = self.made, row["created_at"]
        stand = dict(places(tree)) if tree else {}
        live = {
            path: each["name"] for path, each in stand.items() if "name" in each and path != ended
        }
        for path in [path for path in made.live if live.get(path) != made.live[path].name]:
            self._end(row, path, "cancelled")
        since, seq = (at, row["seq"]) if self._is_whole else (None, None)
        for path, name in live.items():
            made.live.setdefault(path, Live(name, since, seq))
        left = {path: each["left_s"] for path, each in stand.items() if "left_s" in each}
        made.waits = {
            path: _waits(made.waits.get(path), left_s, row, since) for path, left_s in left.items()
        }
        made.within = {node_of(path) for path, each in stand.items() if each["kind"] != "ended"}
        made.begun |= made.within
        made.returned |= {
            node_of(path): each["plan"]
            for path, each in stand.items()
            if each["kind"] == RETURNED_KIND
        }


def _waits(known: Waits | None, left_s: float, row: Row, since: datetime | None) -> Waits:
    """A wait after a row: the seconds count from there where the row has others than before."""
    if known is None:
        return Waits(left_s, row["created_at"], since, row["seq"])
    return known if known.left_s == left_s else replace(known, left_s=left_s, at=row["created_at"])


def _standing(kind: str, status: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """The tree whose tasks are to run; none where nothing of the session runs any more.

    A plan that has failed keeps the tree from before that: a resume goes on with it.
    """
    if status in ("stopped", "completed"):
        return {}
    goes_on = state.get("before") and kind != "tick" and status != "failed"
    return (state["before"] if goes_on else state.get("tree")) or {}


def left_s(waits: Waits, began_us: int | None, now_us: int) -> float:
    """Seconds that are left of a wait that goes on; `began_us`: when its clock was started."""
    from_us = max(to_us(waits.at), began_us or 0)
    return max(0.0, round(waits.left_s - (now_us - from_us) / 1e6, 3))


def _cut(text: str) -> str:
    return text if len(text) <= _CUT else f"{text[: _CUT - 1]}…"
