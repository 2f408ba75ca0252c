"""A session's snapshot: what each row of the log keeps of it, and its way back from there."""

import sys
from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from agent_core.session.decisions import SessionItems
from agent_core.session.lineage import Lineage, restored_lineage
from agent_core.session.log import SessionLog
from agent_core.session.sameness import Sameness, restored_sameness
from agent_core.session.session_agent import SessionAgent
from agent_core.session.status import Status
from agent_core.session.trouble import Trouble, restored_trouble
from agent_core.session.waiting import Waiting, restored_wait, waits_for_budget


class Kept(Protocol):
    """The part of a session that a snapshot keeps."""

    agent_type: str
    inbox: SessionItems
    lineage: Lineage | None
    reading: dict[str, Any] | None
    status: Status
    failures: int
    error: str | None
    created_at: int
    demonstration: bool
    guided: int
    usage: dict[str, Any]
    unmarked: dict[str, int]
    limits: dict[str, Any] | None
    held: dict[str, Any] | None
    waits: Waiting | None
    trouble: Trouble | None
    sameness: Sameness | None
    iteration: int
    result: str | None
    log: SessionLog
    agent: SessionAgent

    @property
    def session_id(self) -> str: ...


def snapshot_of(session: Kept) -> dict[str, Any]:
    """Enough to go on in another process, but for the agent's state and the result."""
    snapshot = {
        "agent_type": session.agent_type,
        "status": session.status,
        "failures": session.failures,
        "error": session.error,
        "created_at": session.created_at,
        "guided": session.guided,
        "usage": session.usage,
        "unmarked": session.unmarked,
    }
    if session.demonstration:
        snapshot["demonstration"] = True
    if session.agent.idle:
        snapshot["idle"] = True
    if (concern := session.agent.concern) is not None:
        snapshot["concern"] = concern
    if session.lineage is not None:
        snapshot["lineage"] = session.lineage.stored()
    if session.reading is not None:
        snapshot["reading"] = session.reading
    if session.limits is not None:
        snapshot["limits"] = session.limits
    told = {"sameness": session.sameness, "trouble": _trouble_of(session)}
    snapshot |= {name: each.stored() for name, each in told.items() if each is not None}
    if session.held is not None and session.status is Status.PAUSED:
        snapshot["held"] = session.held
    if not session.status.ended and (waits := _waits_of(session)) is not None:
        snapshot["waits"] = waits
    return snapshot


def _trouble_of(session: Kept) -> Trouble | None:
    return None if session.status.over else session.trouble


def _waits_of(session: Kept) -> Mapping[str, Any] | None:
    """The thing that it waits for, the first that holds."""
    if session.held is not None and session.status is Status.PAUSED:
        return waits_for_budget(session.held)
    if session.waits is not None:
        return session.waits.stored()
    return session.inbox.waits(session.session_id) or session.agent.waits_for


def restore(session: Kept, row: Mapping[str, Any]) -> None:
    """Take over where the row of `agent_state` left off. Raises: KeyError, ValueError."""
    snapshot = orjson.loads(row["snapshot"])
    session.status = Status(snapshot["status"])
    session.log.seq = orjson.loads(row["history"])["seq"]
    session.iteration = row["iteration"]
    session.result = row["result"]
    session.failures = snapshot["failures"]
    session.error = snapshot["error"]
    session.created_at = snapshot["created_at"]
    session.guided = snapshot["guided"]
    session.demonstration = snapshot.get("demonstration", False)
    session.usage = usage = snapshot["usage"]  # as it was parsed: a merged one is twice as large
    if "day" in usage:
        usage["day"]["date"] = sys.intern(usage["day"]["date"])  # all have the same
    if not usage.keys() >= _COUNTED:  # by an older version
        session.usage = no_usage() | {"ticks": session.iteration} | usage
    session.lineage = restored_lineage(snapshot.get("lineage"))
    session.reading = snapshot.get("reading")
    session.limits = snapshot.get("limits")
    session.held = snapshot.get("held")
    session.waits = restored_wait(snapshot)
    session.trouble = restored_trouble(snapshot.get("trouble"))
    session.sameness = restored_sameness(snapshot.get("sameness"))
    session.unmarked = snapshot["unmarked"]
    session.log.state = orjson.dumps(snapshot["agent"]).decode()


_COUNTED = frozenset(("tokens_in", "tokens_out", "cost_usd", "ticks", "wall_s"))


def no_usage() -> dict[str, Any]:
    """The usage of a session that has taken nothing yet."""
    return {"tokens_in": 0, "tokens_out": 0, "cost_usd": 0.0, "ticks": 0, "wall_s": 0.0}
