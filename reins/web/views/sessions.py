"""Every session in one line, in memory: what the list shows, kept up to date by the feed."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from operator import itemgetter
from typing import Any, Literal

import orjson

from agent_core.session.concerns import Concerned
from agent_core.session.mood import Cause, ConcernKind, Mood, mood_of
from reins.web.views.budgets import Held, held_row
from reins.web.views.rows import Row, StatusName, Wire
from store import agent_state
from store.reading import Reader
from store.times import iso

_KEPT_LATENCIES = 24
_CUT_TEXT = 200  # characters
_CUT_ERROR = 300


class Waits(Wire):
    """The thing that a session waits for, and goes on by itself once it is there.

    `until`: when it tries again, or a budget begins anew; null where nobody knows.
    """

    kind: Literal["model", "approval", "question", "budget", "child", "message", "stuck"]
    since: str | None
    reason: str
    until: str | None


class SessionCause(Wire):
    """The reason for which a session needs a person; `key` is the same for all of one cause."""

    kind: ConcernKind
    key: str
    text: str
    since: str | None
    route: str | None


class SessionSummary(Wire):
    """One session in a line.

    `seq` is the newest row of its log, `text` its latest output. `failures` counts failed ticks in
    a row: above 0 in a running session, it is trying again. `idle`: it has no goal, and takes the
    next one. `latencies_ms` are those of the newest ticks that this process has seen, oldest first;
    in events of the list, only the new ones. `held`: the limit of a budget that it waits at,
    paused, until that is raised. `waits`: what it waits for, a budget, a model that is away or a
    person among other things. `mood` is how it is, as GET /api/vocabulary explains, and `cause`
    why it needs a person, null where it needs none.
    """

    agent_id: str
    session_id: str
    agent_type: str
    status: StatusName
    mood: Mood
    cause: SessionCause | None
    seq: int
    ticks: int
    text: str
    error: str | None
    failures: int
    idle: bool
    held: Held | None
    waits: Waits | None
    created_at: str
    updated_at: str
    last_tick_at: str | None
    tokens_in: int
    tokens_out: int
    cost_usd: float
    latencies_ms: list[float]


class _IndexedSession:
    """The values that are kept of one session."""

    __slots__ = ("concerned", "fresh", "latencies", "values")

    def __init__(self) -> None:
        self.values: dict[str, Any] = {
            "seq": 0,
            "ticks": 0,
            "last_tick_at": None,
            "text": "",
        }
        self.concerned: Concerned | None = None
        self.latencies: deque[float] = deque(maxlen=_KEPT_LATENCIES)
        self.fresh: list[float] = []


class SessionIndex:
    """All sessions by id; one thread applies what happens, any may read."""

    def __init__(self, store: Reader) -> None:
        self._store = store
        self._lines: dict[str, _IndexedSession] = {}
        self._lock = threading.Lock()

    def load(self, also: Callable[[Row], object] = lambda _: None) -> None:
        """Read every session's state anew; those that are not stored any more are dropped.

        `also` gets the rows too, so that they are read once.
        """
        stored = set()
        for row in agent_state.each_agent_state(store=self._store):
            self._apply_state(row, anew=True)
            also(row)
            stored.add(row["session_id"])
        with self._lock:
            for session_id in self._lines.keys() - stored:
                del self._lines[session_id]

    def apply(self, steps: Iterable[Row]) -> set[str]:
        """Take in rows of the log, oldest first; returns the sessions that they changed."""
        changed = set()
        with self._lock:
            for step in steps:
                if self._apply_step(step):
                    changed.add(step["session_id"])
        return changed

    def apply_states(self, rows: Iterable[Row]) -> set[str]:
        """Take in rows of `agent_state` that were written by hand; returns their sessions."""
        changed = set()
        for row in rows:
            self._apply_state(row)
            changed.add(row["session_id"])
        return changed

    def get(self, session_id: str) -> dict[str, Any] | None:
        """The session in the shape of `SessionSummary`; None if unknown."""
        with self._lock:
            line = self._lines.get(session_id)
            return None if line is None else _summary(line, list(line.latencies))

    def changes(self, session_ids: Collection[str]) -> list[dict[str, Any]]:
        """Those sessions as the list's events show them: with the latencies not shown before."""
        with self._lock:
            return [_taken(self._lines[each]) for each in session_ids if each in self._lines]

    def listed(self) -> list[dict[str, Any]]:
        """All sessions, by agent and session."""
        with self._lock:
            rows = [_summary(line, list(line.latencies)) for line in self._lines.values()]
        return sorted(rows, key=lambda row: (row["agent_id"], row["session_id"]))

    def page(
        self, fits: Callable[[Row], bool], after: tuple[str, str], limit: int
    ) -> tuple[list[dict[str, Any]], bool]:
        """Sessions that fit, by agent and session, from after that place; whether more do."""
        with self._lock:
            found = [
                (place, line)
                for line in self._lines.values()
                if (place := _place(line)) > after and fits(line.values)
            ]
            found.sort(key=itemgetter(0))
            rows = [_summary(line, list(line.latencies)) for _, line in found[:limit]]
        return rows, len(found) > limit

    def counts(self, by: Literal["status", "mood"] = "status") -> dict[str, int]:
        """Sessions by status, or by mood."""
        with self._lock:
            return dict(Counter(str(line.values[by]) for line in self._lines.values()))

    def concerned(self) -> list[Concerned]:
        """Those that need a person; `concerns_of` gathers them by cause."""
        with self._lock:
            lines = list(self._lines.values())
        return [line.concerned for line in lines if line.concerned is not None]

    def seq(self, session_id: str) -> int:
        """The number of the newest row of its log; 0 if unknown."""
        line = self._lines.get(session_id)
        return 0 if line is None else int(line.values["seq"])

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._lines))

    def _apply_step(self, step: Row) -> bool:
        if step["seq"] <= self.seq(step["session_id"]):
            return False
        snapshot = orjson.loads(step["state"])
        concerned = Concerned.of(step["session_id"], step["agent_id"], snapshot)
        known = _known(step, snapshot, step["step"], step["seq"], concerned)
        line = self._lines.setdefault(step["session_id"], _IndexedSession())
        line.concerned = concerned
        line.values |= known
        line.values["updated_at"] = step["created_at"]
        if step["kind"] == "tick":
            line.values["text"] = step["text"][:_CUT_TEXT]
            line.values["last_tick_at"] = step["created_at"]
            if step["latency_ms"] is not None:
                line.latencies.append(round(step["latency_ms"], 1))
                line.fresh = [*line.fresh, line.latencies[-1]][-_KEPT_LATENCIES:]
        return True

    def _apply_state(self, row: Row, *, anew: bool = False) -> None:
        seq = orjson.loads(row["history"] or "{}").get("seq", 0)
        snapshot = {**orjson.loads(row["snapshot"] or "{}"), **_by_hand(row)}
        concerned = Concerned.of(row["session_id"], row["agent_id"], snapshot)
        known = _known(row, snapshot, row["iteration"], seq, concerned)
        with self._lock:
            if seq < self.seq(row["session_id"]) and not anew:
                return
            line = self._lines.setdefault(row["session_id"], _IndexedSession())
            ticked = known["ticks"] != line.values["ticks"]
            line.concerned = concerned
            line.values |= known
            line.values["updated_at"] = row["updated_at"]
            line.values["text"] = (row["result"] or "")[:_CUT_TEXT]
            if ticked:
                line.values["last_tick_at"] = row["updated_at"]


def _known(
    row: Row, snapshot: Mapping[str, Any], ticks: int, seq: int, concerned: Concerned | None
) -> dict[str, Any]:
    usage = snapshot.get("usage") or {}
    error = snapshot.get("error")
    return {
        "agent_id": row["agent_id"],
        "session_id": row["session_id"],
        "agent_type": snapshot.get("agent_type") or "",
        "status": str(snapshot["status"]),
        "mood": mood_of(snapshot),
        "cause": None if concerned is None else _cause_row(concerned.cause),
        "seq": seq,
        "ticks": ticks or 0,
        "error": None if error is None else error[:_CUT_ERROR],
        "failures": snapshot.get("failures", 0),
        "idle": bool(snapshot.get("idle")),
        "held": held_row(snapshot.get("held")),
        "waits": _waits_row(snapshot.get("waits")),
        "created_at": snapshot.get("created_at"),
        "tokens_in": usage.get("tokens_in", 0),
        "tokens_out": usage.get("tokens_out", 0),
        "cost_usd": usage.get("cost_usd", 0.0),
    }


def _cause_row(cause: Cause) -> dict[str, Any]:
    """In the shape of `SessionCause`."""
    return {**asdict(cause), "since": iso(cause.since)}


def _waits_row(waits: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """In the shape of `Waits`, from a snapshot."""
    if waits is None:
        return None
    times = {name: iso(waits.get(name)) for name in ("since", "until")}
    return {"kind": waits["kind"], "reason": waits["reason"], **times}


def _by_hand(row: Row) -> dict[str, Any]:
    """The columns of a state that stand for themselves, whatever the snapshot says."""
    names = ("agent_type", "status", "error", "created_at")
    return {name: row[name] for name in names if row[name] is not None}


def _place(line: _IndexedSession) -> tuple[str, str]:
    return line.values["agent_id"], line.values["session_id"]


def _taken(line: _IndexedSession) -> dict[str, Any]:
    fresh, line.fresh = line.fresh, []
    return _summary(line, fresh)


def _summary(line: _IndexedSession, latencies: list[float]) -> dict[str, Any]:
    times = ("created_at", "updated_at", "last_tick_at")
    return {
        **line.values,
        **{name: iso(line.values[name]) for name in times},
        "latencies_ms": latencies,
    }
