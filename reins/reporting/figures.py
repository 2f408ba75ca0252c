"""The figures of a session, out of rows of its log and of its model calls. Nothing is read here.

**Terms**: a line counts runs: a session's and a `tick` line's are tries of ticks, a `node` line's
the ends of one task of a plan over all turns and attempts (which its path leaves out), a `tool`
line's calls of a tool, a `model` line's attempts along a route, a `wait` line's waits of a kind.
`runs` = `succeeded` + `failed` + `cancelled` + `abandoned`; of waits it is their number.
`retries` are runs that were another try: a tick after one that failed, attempts of a plan's `retry`
after the first, tries of a tool or a model after the first (a tool's are no runs of their own).

**Rates**: `success_rate` = `succeeded` / (`succeeded` + `failed`): what was cancelled or abandoned
is no failure. None where neither has happened.

**Percentiles**: by nearest rank. Of n durations in ascending order `p50_s` is number ⌈0.5 n⌉ and
`p95_s` number ⌈0.95 n⌉, from 1; no value is made up between two. None without a duration: the log
has none of a task that was cancelled.

**Units**: seconds, US dollars; tokens are those of prompts and answers together.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

from reins.reporting.places import named_at, order, place
from reins.reporting.tally import Tally
from reins.reporting.waiting import Waits

Kind = Literal["session", "node", "tool", "tick", "model", "wait"]
_CANCELLED = {"cancelled", "withdrawn", "denied", "rejected", "expired", "stale"}
"""Kinds of a call's outcome that are nobody's failure: it was not to be made, or given up."""
_ABANDONED = "unknown"
_ABORTED = "aborted"
_ENDS = {"done": "succeeded", "replaced": "succeeded", "failed": "failed",
         "cancelled": "cancelled", "abandoned": "abandoned"}  # fmt: skip
_PLACE_LEAST_S = 0.001
"""Waits for a place on a route that take less in all are none."""


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of one part of a session; see above for what they count."""

    kind: Kind
    path: str | None
    name: str
    runs: int
    succeeded: int
    failed: int
    cancelled: int
    abandoned: int
    retries: int
    success_rate: float | None
    wall_s: float
    p50_s: float | None
    p95_s: float | None
    tokens: int
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Report:
    """A session's figures from its first row until its last, or until now while it goes on.

    `rows` of its log are in it. The first line is the session itself: its `wall_s` is the time from
    `since` to `until`, with waits and with the time for which no worker ran.
    """

    session_id: str
    agent_id: str
    agent_type: str
    status: str
    since: datetime
    until: datetime
    rows: int
    lines: tuple[Line, ...]


def report_of(
    rows: Iterable[Mapping[str, Any]], calls: Iterable[Mapping[str, Any]], now: datetime
) -> Report | None:
    """The report of rows of `agent_steps` in their order, and of `model_calls`; None of no row.

    Both may come page by page: what is kept grows with the runs, not with the size of rows.
    """
    found = _Figures()
    for row in rows:
        found.take_row(row)
    for call in calls:
        found.take_call(call)
    return found.report(now)


class _Figures:
    """The counts of the rows and calls so far."""

    def __init__(self) -> None:
        self._session = Tally()
        self._ticks = Tally()
        self._nodes: dict[tuple[str, str], Tally] = {}
        self._names: dict[str, str] = {}
        self._runs: dict[str, tuple[str, int, float]] = {}
        self._called: dict[str, tuple[int, float]] = {}
        self._tools: dict[str, Tally] = {}
        self._models: dict[str, Tally] = {}
        self._places: dict[str, Tally] = {}
        self._plan: Any = None
        self._waits = Waits()
        self._failed_before = False
        self._rows = 0
        self._first: Mapping[str, Any] | None = None
        self._last: Mapping[str, Any] = {}
        self._snapshot: dict[str, Any] = {}

    # -- rows of the log

    def take_row(self, row: Mapping[str, Any]) -> None:
        self._rows += 1
        self._first, self._last = self._first or row, row
        self._snapshot = orjson.loads(row["state"] or "{}")
        self._waits.take(row["created_at"], self._snapshot)
        payload = orjson.loads(row["payload"] or "null")
        payload = payload if isinstance(payload, dict) else {}
        tokens = (row["tokens_in"] or 0) + (row["tokens_out"] or 0)
        self._session.spend(tokens, row["cost_usd"] or 0.0)
        if row["kind"] == "status" and isinstance(payload.get("config"), dict):
            self._plan = payload["config"].get("plan")
        if row["kind"] == "tick" or (row["kind"] == "error" and row["started_at"] is not None):
            self._take_tick(row, payload, tokens)
        elif row["kind"] == "final":
            self._failed_before = False

    def _take_tick(self, row: Mapping[str, Any], payload: dict[str, Any], tokens: int) -> None:
        end = "succeeded" if row["kind"] == "tick" else "failed"
        took_s = None if row["latency_ms"] is None else row["latency_ms"] / 1e3
        retries = int(self._failed_before)
        self._failed_before = end == "failed"
        self._session.add(end, took_s, retries=retries)
        if _has_nodes(payload):
            for each in payload["nodes"]:
                self._take_node(each)
        elif (called := _call_in(payload)) is not None:
            tool = self._tools.setdefault(called[0], Tally())
            _take_outcome(tool, called[1])
            tool.spend(tokens, row["cost_usd"] or 0.0)
        else:
            self._ticks.add(end, took_s, retries=retries)
            self._ticks.spend(tokens, row["cost_usd"] or 0.0)

    def _take_node(self, node: Mapping[str, Any]) -> None:
        path, took_ms = node["path"], node.get("took_ms")
        end = _ENDS.get(node["outcome"])
        if end is None:
            return  # an alarm is no task
        if end == "succeeded" and took_ms is None:
            end = "cancelled"  # it ended too late: nothing was made of it
        where, name = place(path), node.get("name", "")
        if name:
            self._names[where] = name
        _, tokens, cost_usd = self._runs.get(path, ("", 0, 0.0))
        self._runs[path] = (
            name, tokens + node.get("tokens", 0), cost_usd + node.get("cost_usd", 0.0)
        )  # fmt: skip
        took_s = None if took_ms is None else took_ms / 1e3
        for each in node.get("tools", ()):
            _take_outcome(self._tools.setdefault(each["tool"], Tally()), each)
        tally = self._nodes.setdefault((where, name), Tally())
        tally.add(end, took_s, retries=int(_is_retry(path)))

    # -- model calls

    def take_call(self, call: Mapping[str, Any]) -> None:
        route, kind = call["route"] or "", call["error_kind"]
        end = "succeeded" if kind is None else "cancelled" if kind == _ABORTED else "failed"
        tokens = (call["tokens_in"] or 0) + (call["tokens_out"] or 0)
        cost_usd = call["cost_usd"] or 0.0
        took_s = None if call["latency_ms"] is None else call["latency_ms"] / 1e3
        model = self._models.setdefault(route, Tally())
        model.add(end, took_s, retries=int((call["attempt"] or 1) > 1))
        model.spend(tokens, cost_usd)
        if call["sent_at"] is not None:
            waited = call["sent_at"] - call["queued_at"]
            self._places.setdefault(route, Tally()).waited(max(0.0, waited.total_seconds()))
        if (path := call.get("node")) is not None:
            before = self._called.get(path, (0, 0.0))
            self._called[path] = before[0] + tokens, before[1] + cost_usd

    # -- the report

    def report(self, now: datetime) -> Report | None:
        if self._first is None:
            return None
        status = str(self._snapshot.get("status", ""))
        goes_on = status not in ("stopped", "completed", "failed")
        since, last_at = self._first["created_at"], self._last["created_at"]
        until = max(now, last_at) if goes_on else last_at
        self._waits.end(until)
        agent_type = str(self._snapshot.get("agent_type", ""))
        session = self._session.with_wall((until - since).total_seconds())
        return Report(
            self._last["session_id"], self._last["agent_id"], agent_type, status, since, until,
            self._rows, (_line("session", None, agent_type, session), *self._lines()),
        )  # fmt: skip

    def _lines(self) -> Iterable[Line]:
        yield from self._node_lines()
        for name in sorted(self._tools):
            yield _line("tool", None, name, self._tools[name])
        if self._ticks.runs:
            yield _line("tick", None, "tick", self._ticks)
        for route in sorted(self._models):
            yield _line("model", None, route, self._models[route])
        for kind, waited in sorted(self._waits.tallies.items()):
            yield _line("wait", None, kind, waited)
        for route, waited in sorted(self._places.items()):
            if waited.wall_s >= _PLACE_LEAST_S:
                yield _line("wait", None, f"place on {route}", waited)

    def _node_lines(self) -> Iterable[Line]:
        """By place and name; a task that was cancelled has its name from another run of it."""
        lines: dict[tuple[str, str], Tally] = {}
        for (where, name), tally in self._nodes.items():
            lines.setdefault((where, self._name(where, name)), Tally()).take(tally)
        for path, (name, tokens, cost_usd) in self._runs.items():
            # A task that was cancelled tells of nothing: its calls do.
            called = self._called.get(path, (0, 0.0))
            where = place(path)
            spent = lines[where, self._name(where, name)]
            spent.spend(max(tokens, called[0]), max(cost_usd, called[1]))
        for where, name in sorted(lines, key=lambda each: (order(each[0]), each[1])):
            yield _line("node", where, name, lines[where, name])

    def _name(self, where: str, told: str) -> str:
        return told or self._names.get(where) or named_at(self._plan, where)


def _line(kind: Kind, path: str | None, name: str, of: Tally) -> Line:
    tried = of.succeeded + of.failed
    times = sorted(of.times)
    return Line(
        kind, path, name, of.runs, of.succeeded, of.failed, of.cancelled, of.abandoned, of.retries,
        round(of.succeeded / tried, 4) if tried else None,
        round(of.wall_s, 3), percentile(times, 0.5), percentile(times, 0.95),
        of.tokens, round(of.cost_usd, 9),
    )  # fmt: skip


def percentile(ascending: list[float], share: float) -> float | None:
    """The value of nearest rank: number ⌈share · n⌉, from 1; None of no value."""
    if not ascending:
        return None
    rank = max(1, math.ceil(round(share * len(ascending), 9)))
    return round(ascending[rank - 1], 6)


def _has_nodes(payload: Mapping[str, Any]) -> bool:
    nodes = payload.get("nodes")
    return isinstance(nodes, list) and all(
        isinstance(each, dict)
        and isinstance(each.get("path"), str)
        and isinstance(each.get("outcome"), str)
        for each in nodes
    )


def _call_in(payload: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The tool and the outcome of a tick that made a call."""
    call, outcome = payload.get("call"), payload.get("outcome")
    if not isinstance(call, dict) or not isinstance(outcome, dict) or "ok" not in outcome:
        return None
    return str(call.get("tool", "")), outcome


def _take_outcome(tool: Tally, outcome: Mapping[str, Any]) -> None:
    kind, took_s = outcome.get("kind"), float(outcome.get("took_s") or 0.0)
    attempts = int(outcome.get("attempts", 1))
    if kind == "asks":  # it goes on with the answer
        tool.went_on(took_s)
        return
    if outcome["ok"]:
        end = "succeeded"
    elif kind == _ABANDONED:
        end = "abandoned"
    else:
        end = "cancelled" if kind in _CANCELLED else "failed"
    tool.add(end, took_s if attempts else None, retries=max(0, attempts - 1))


def _is_retry(path: str) -> bool:
    *_, last = path.rpartition("~")
    digits = last.partition("/")[0].partition("#")[0]
    return "~" in path and digits.isdecimal() and int(digits) > 1
