"""A destroy taken back: the session goes on from the row before its final one."""

import asyncio
from typing import Any

import orjson

from agent_core.fleet.fleet import Fleet
from agent_core.inbox.reopening import reopened
from agent_core.session.log import Event
from agent_core.session.restoring import RESTORE_S, Destroyed, destroyed
from agent_core.session.session import Session
from agent_core.session.status import Status
from agent_core.session.waiting import restored_wait
from store import agent_steps
from store.times import to_us


class RestoreRejectedError(ValueError):
    """The session cannot be brought back; the message says why, and what to do."""


async def restore(fleet: Fleet, ended: Session, action: dict[str, Any]) -> int:
    """Bring a destroyed session back as it was; returns the `seq` at which that is on record.

    Raises: RestoreRejectedError, AgentRejectedError, SessionUnusableError.
    """
    before, destroy = await _last_rows(fleet, ended, action)
    session = await fleet.recovery.read(ended.session_id)
    assert session is not None, "it was found a moment ago"
    session.unmarked = ended.unmarked
    _stand_as(session, orjson.loads(before["state"]))
    actor = str(action["actor"] or "unknown")
    async with reopened(fleet.inbox, fleet.store, destroy) as records:
        event = Event(
            "status",
            f"restored by {actor}, {session.status.value}",
            payload={
                "actor": actor,
                "destroyed_at": destroy.seq,
                **({"reopened": dict(destroy.items)} if destroy.items else {}),
            },
            applied=[action["action_id"]],
        )
        also = [*records, *await session.agent.admit()]
        # What has failed ends with its result, as it did.
        ends = [session.agent.final(error=session.error)] if session.status.ended else []
        last = await session.log.record(event, *ends, also=also)
    if not ends:
        fleet.go_on(session)
    return last - len(ends)


async def _last_rows(
    fleet: Fleet, ended: Session, action: dict[str, Any]
) -> tuple[dict[str, Any], Destroyed]:
    """The row before the final one, and the destroy. Raises: RestoreRejectedError."""
    name = ended.session_id
    if ended.status is not Status.STOPPED:
        raise RestoreRejectedError(
            f"session {name} is {ended.status}; expected one that was destroyed. Nothing was undone"
        )
    rows = await asyncio.to_thread(
        agent_steps.list_steps, name, ended.seq - 2, 2, store=fleet.store.reader
    )
    destroy = destroyed(rows[-1]) if len(rows) > 1 else None
    if destroy is None:
        raise RestoreRejectedError(
            f"the log of session {name} does not end with a destroy; create it again to go on"
        )
    # When it was asked for, not when the worker is there: a restart in between is not the person's.
    asked_at = action["created_at"]
    if asked_at is not None and to_us(asked_at) > destroy.until:
        late_s = (to_us(asked_at) - destroy.at) / 1e6
        raise RestoreRejectedError(
            f"session {name} was destroyed {late_s / 60:.0f} minutes before; a destroy can be "
            f"undone for {RESTORE_S // 60} minutes. Create it again to go on with its log"
        )
    return rows[0], destroy


def _stand_as(session: Session, snapshot: dict[str, Any]) -> None:
    """Let it stand as a start of the worker would find it in the row with this snapshot."""
    was = Status(snapshot["status"])
    # A tick that was under way is not: it gave way to the stop, and is done again.
    amid = {Status.STOPPING: Status.RUNNING, Status.PAUSING: Status.PAUSED}
    session.status = amid.get(was, was)
    session.held = snapshot.get("held")
    session.waits = restored_wait(snapshot)
