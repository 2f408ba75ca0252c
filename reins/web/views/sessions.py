"""Every session in one line, in memory: what the list shows, kept up to date by the feed."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from operator import itemgetter
from typing import Any, Literal

import orjson

from agent_core.session.concerns import Concerned
from agent_core.session.mood import ConcernKind, Mood
from reins.web.views import session_values
from reins.web.views.budgets import Held
from reins.web.views.rows import Row, StatusName, Wire
from store import agent_state, agents_config
from store.reading import Reader
from store.times import iso

_KEPT_LATENCIES = 24
_CUT_TEXT = 200  # characters


class Waits(Wire):
    """The thing that a session waits for, and goes on by itself once it is there.

    `until`: when it tries again, or a budget begins anew; null where nobody knows.
    """

    kind: Literal["model", "approval", "question", "budget", "child", "message", "stuck"]
    since: str | None
    reason: str
    until: str | None


class Sameness(Wire):
    """How like what a session says is to what it said before, from 0 to 1; `circles`: so like that
    it goes in circles.
    """

    figure: float
    circles: bool


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
    next one. `demonstration`: no model answered its last call, but the offline one. `latencies_ms`
    are those of the newest ticks that this process has seen, oldest first; in events of the list,
    only the new ones. `held`: the limit of a budget that it waits at,
    paused, until that is raised. `waits`: what it waits for, a budget, a model that is away or a
    person among other things. `sameness` is known where the index has vectors
    (REINS_SEARCH=meaning), and once the session has said enough. `mood` is how it is, as GET
    /api/vocabulary explains, and `cause` why it needs a person, null where it needs none. `route`
    is the model route that its configuration names, `conversation_id` the conversation that it
    takes part in. Of a session that has a parent or children: `root_session_id` is above all of its
    tree, `depth` the generation below it, `task` the parent's task that it works on.
    """

    agent_id: str
    session_id: str
    agent_type: str
    route: str | None
    conversation_id: str | None
    created_by: str | None
    status: StatusName
    mood: Mood
    cause: SessionCause | None
    seq: int
    ticks: int
    text: str
    error: str | None
    failures: int
    idle: bool
    demonstration: bool
    held: Held | None
    waits: Waits | None
    sameness: Sameness | None
    parent_session_id: str | None
    root_session_id: str | None
    depth: int
    task: str | None
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
        self._made: dict[str, dict[str, Any]] = {}
        self._same: dict[tuple[Any, ...], dict[str, Any]] = {}

    def load(self, also: Callable[[Row], object] = lambda _: None) -> None:
        """Read every session's state anew; those that are not stored any more are dropped.

        `also` gets the rows too, so that they are read once.
        """
        stored = set()
        for row in agent_state.each_agent_state(store=self._store):
            self._apply_state(row, anew=True)
            also(row)
            stored.add(row["session_id"])
        self.apply_configs(agents_config.each_config(store=self._store))
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

    def apply_configs(self, rows: Iterable[Row]) -> None:
        """Take in rows of `agents_config`: who made a session, and for what."""
        for row in rows:
            made = session_values.made(row)
            # Thousands of sessions are made alike.
            self._made[row["session_id"]] = self._same.setdefault(tuple(made.values()), made)

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
            return None if line is None else self._summary(line, list(line.latencies))

    def changes(self, session_ids: Collection[str]) -> list[dict[str, Any]]:
        """Those sessions as the list's events show them: with the latencies not shown before."""
        with self._lock:
            return [self._taken(self._lines[each]) for each in session_ids if each in self._lines]

    def listed(self) -> list[dict[str, Any]]:
        """All sessions, by agent and session."""
        with self._lock:
            rows = [self._summary(line, list(line.latencies)) for line in self._lines.values()]
        return sorted(rows, key=lambda row: (row["agent_id"], row["session_id"]))

    def page(
        self, fits: Callable[[Row], bool], after: tuple[str, str], limit: int
    ) -> tuple[list[dict[str, Any]], bool]:
        """Sessions that fit, by agent and session, from after that place; whether more do."""
        with self._lock:
            found = [
                (place, line)
                for line in self._lines.values()
                if (place := _place(line)) > after and fits(self._filtered(line))
            ]
            found.sort(key=itemgetter(0))
            rows = [self._summary(line, list(line.latencies)) for _, line in found[:limit]]
        return rows, len(found) > limit

    def _filtered(self, line: _IndexedSession) -> Row:
        return line.values | self._made.get(line.values["session_id"], session_values.UNKNOWN)

    def counts(self, by: Literal["status", "mood"] = "status") -> dict[str, int]:
        """Sessions by status, or by mood."""
        with self._lock:
            return dict(Counter(str(line.values[by]) for line in self._lines.values()))

    def concerned(self) -> list[Concerned]:
        """Those that need a person; `concerns_of` gathers them by cause."""
        with self._lock:
            lines = list(self._lines.values())
        return [line.concerned for line in lines if line.concerned is not None]

    def tree(self, root: str) -> list[dict[str, Any]]:
        """All sessions of a tree, in no order."""
        with self._lock:
            return [
                self._summary(line, list(line.latencies))
                for line in self._lines.values()
                if line.values["root_session_id"] == root
            ]

    def seq(self, session_id: str) -> int:
        """The number of the newest row of its log; 0 if unknown."""
        line = self._lines.get(session_id)
        return 0 if line is None else int(line.values["seq"])

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._lines))

    def _taken(self, line: _IndexedSession) -> dict[str, Any]:
        fresh, line.fresh = line.fresh, []
        return self._summary(line, fresh)

    def _summary(self, line: _IndexedSession, latencies: list[float]) -> dict[str, Any]:
        values = line.values
        return {
            **values,
            **self._made.get(values["session_id"], session_values.UNKNOWN),
            **{name: iso(values[name]) for name in ("created_at", "updated_at", "last_tick_at")},
            "latencies_ms": latencies,
        }

    def _apply_step(self, step: Row) -> bool:
        if step["seq"] <= self.seq(step["session_id"]):
            return False
        snapshot = orjson.loads(step["state"])
        concerned = Concerned.of(step["session_id"], step["agent_id"], snapshot)
        known = session_values.known(step, snapshot, step["step"], step["seq"], concerned)
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
        snapshot = {**orjson.loads(row["snapshot"] or "{}"), **session_values.by_hand(row)}
        concerned = Concerned.of(row["session_id"], row["agent_id"], snapshot)
        known = session_values.known(row, snapshot, row["iteration"], seq, concerned)
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


def _place(line: _IndexedSession) -> tuple[str, str]:
    return line.values["agent_id"], line.values["session_id"]
