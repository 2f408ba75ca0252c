"""Everything that needs a person now, by cause: for page, API, shell and notifications alike."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agent_core.budgets.enough import enough
from agent_core.session.mood import CONCERN_KINDS, Cause, ConcernKind, cause_of, mood_of
from store.times import iso


@dataclass(frozen=True, slots=True)
class Concerned:
    """One session of a cause; `error` is its newest, or what it waits for.

    `raise_to`: a limit with room for a useful while, where one holds it.
    """

    session_id: str
    agent_id: str
    cause: Cause
    error: str | None
    raise_to: float | None

    @classmethod
    def of(cls, session_id: str, agent_id: str, snapshot: Mapping[str, Any]) -> "Concerned | None":
        """The session with this snapshot; None where it needs nobody."""
        cause = cause_of(snapshot, mood_of(snapshot), agent_id)
        if cause is None:
            return None
        error = (snapshot.get("waits") or {}).get("reason") or snapshot.get("error")
        raise_to = enough(snapshot["held"]) if cause.kind == "held" else None
        return cls(session_id, agent_id, cause, error, raise_to)


@dataclass(frozen=True, slots=True)
class Concern:
    """All sessions of one cause. `since`: when the first of them met it, None if nobody knows.

    Two concerns of one `key` differ in their kind: of one fault some sessions try again, and some
    have given up.
    """

    kind: ConcernKind
    key: str
    text: str
    since: int | None
    route: str | None
    raise_to: float | None
    sessions: tuple[Concerned, ...]

    def row(self) -> dict[str, Any]:
        """Everything but who it concerns, as JSON has it: the shell and the page say the same."""
        return {
            "kind": self.kind,
            "key": self.key,
            "text": self.text,
            "since": iso(self.since),
            "count": len(self.sessions),
            "route": self.route,
            "raise_to": self.raise_to,
        }


def concerns_of(found: Iterable[Concerned]) -> list[Concern]:
    """The causes, the most urgent kind first, of one kind the largest first."""
    by_cause: dict[tuple[ConcernKind, str], list[Concerned]] = {}
    for each in found:
        by_cause.setdefault((each.cause.kind, each.cause.key), []).append(each)
    rank = {kind: n for n, kind in enumerate(CONCERN_KINDS)}
    concerns = [_concern(kind, key, own) for (kind, key), own in by_cause.items()]
    return sorted(concerns, key=lambda each: (rank[each.kind], -len(each.sessions), each.key))


def _concern(kind: ConcernKind, key: str, own: list[Concerned]) -> Concern:
    own.sort(key=lambda each: (each.cause.since or 0, each.session_id))
    known = [each.cause.since for each in own if each.cause.since is not None]
    return Concern(
        kind=kind,
        key=key,
        text=_text(kind, own),
        since=min(known, default=None),
        route=own[-1].cause.route,
        raise_to=max((each.raise_to for each in own if each.raise_to is not None), default=None),
        sessions=tuple(own),
    )


def _text(kind: ConcernKind, own: list[Concerned]) -> str:
    """The cause in a line that is true of all of them."""
    if kind == "hanging":
        first = f"{own[0].session_id}: {own[0].cause.text}"
        return first if len(own) == 1 else "their ticks take far longer than usual"
    if kind == "held":  # what the one needs that needs the most
        return max(own, key=lambda each: each.raise_to or 0.0).cause.text
    if kind == "asking" and len(own) > 1:
        return "they wait for a decision or an answer"
    return own[-1].cause.text
