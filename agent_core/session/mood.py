"""How a session is, as an operator asks it, and the cause where it is not well: said here, once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from agent_core.budgets.enough import at_limit
from agent_core.session.status import Status
from agent_core.session.trouble import key_of
from agent_core.session.waiting import FOR_PEOPLE, STUCK

Mood: TypeAlias = Literal[
    "asking", "failing", "hanging", "held", "stuck", "resumed", "paused", "well", "done"
]
MOODS: dict[Mood, str] = {
    "asking": "waits for a person's decision or answer",
    "failing": "has failed, or its newest ticks ended in an error",
    "hanging": "its tick takes far longer than its ticks usually do",
    "held": "waits at the limit of a budget",
    "stuck": "makes no way, and waits for guidance or a resume",
    "resumed": "goes on after trouble, and has not ticked since",
    "paused": "paused by a person, or about to be",
    "well": "ticks, or waits for its next tick or for work",
    "done": "stopped or completed",
}
"""Each mood with its meaning; those that need a person come first."""

ConcernKind: TypeAlias = Literal[
    "asking", "failed", "failing", "hanging", "held", "stuck", "contradicted", "retrying"
]
CONCERN_KINDS: dict[ConcernKind, str] = {
    "asking": "They wait for a decision or an answer; nothing of what they ask has been done.",
    "failed": "Too many of their ticks failed in a row: they try no more until they are resumed.",
    "failing": "What they need is away. They try again by themselves, ever less often.",
    "hanging": "A tick takes far longer than usual; it is given up at the tick's time limit.",
    "held": "Their budget is spent. They go on when the limit is raised.",
    "stuck": "They make no way. Guidance or a resume lets them go on.",
    "contradicted": "They believe what cannot both be. Doubt one of the claims, or take back "
    "what it rests on.",
    "retrying": "Their newest ticks failed. They try again by themselves, with growing waits.",
}
"""Each kind of a cause with its meaning, the most urgent first."""

_OTHERS = ("budget", "child", "message")
"""Kinds of waits that are no trouble, or are told by what holds the session."""


@dataclass(frozen=True, slots=True)
class Cause:
    """The reason for which a session needs a person.

    `key` is the same for all sessions of one cause and kind. `since` is in microseconds since
    1970, None where nobody knows.
    """

    kind: ConcernKind
    key: str
    text: str
    since: int | None
    route: str | None = None


def mood_of(snapshot: Mapping[str, Any]) -> Mood:
    """The mood of a session with this snapshot: the first that holds."""
    status, waits_for = Status(snapshot["status"]), (snapshot.get("waits") or {}).get("kind")
    trouble = (snapshot.get("trouble") or {}).get("kind")
    is_away = waits_for is not None and waits_for not in _OTHERS
    found: tuple[tuple[Mood, bool], ...] = (
        ("done", status.over or status is Status.STOPPING),
        ("failing", status is Status.FAILED),
        ("asking", waits_for in FOR_PEOPLE),
        ("held", status is Status.PAUSED and snapshot.get("held") is not None),
        ("stuck", waits_for == STUCK),
        ("hanging", status is not Status.PAUSED and trouble == "slow"),
        ("paused", status is not Status.RUNNING),
        ("resumed", trouble == "resumed"),
        ("failing", is_away or bool(snapshot.get("failures"))),
    )
    return next((mood for mood, holds in found if holds), "well")


def cause_of(snapshot: Mapping[str, Any], mood: Mood, agent_id: str) -> Cause | None:
    """The cause for which a person is needed; None for a mood that needs none."""
    waits = snapshot.get("waits") or {}
    match mood:
        case "asking" | "stuck":
            key = f"{mood}:{waits['kind']}" + (f":{key_of(waits['reason'])}" * (mood == "stuck"))
            return Cause(mood, key, waits["reason"], waits.get("since"))
        case "failing":
            return _fault(snapshot, waits)
        case "hanging":
            trouble = snapshot["trouble"]
            return Cause(mood, "hanging", trouble["text"], trouble["since"])
        case "held":
            held = snapshot["held"]
            root = (snapshot.get("lineage") or {}).get("root", agent_id)
            whose = {"agent": f":{agent_id}", "tree": f":{root}"}.get(held["scope"], "")
            key = f"held:{held['scope']}:{held['what']}{whose}"
            return Cause(mood, key, at_limit(held), held.get("since"))
    concern = snapshot.get("concern")
    if concern is None or mood == "done":
        return None
    return Cause("contradicted", concern["key"], concern["text"], concern["since"])


def _fault(snapshot: Mapping[str, Any], waits: Mapping[str, Any]) -> Cause:
    kind: ConcernKind = "retrying"
    if snapshot["status"] == Status.FAILED:
        kind = "failed"
    elif waits:
        kind = "failing"
    told = snapshot.get("trouble")
    if told is not None and told["kind"] == "fault":
        return Cause(kind, f"fault:{told['key']}", told["text"], told["since"], told.get("route"))
    error = snapshot.get("error") or waits.get("reason") or "no error was recorded"
    return Cause(kind, f"fault:{key_of(error)}", " ".join(error.split()), waits.get("since"))
