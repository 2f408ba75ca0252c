"""A destroy taken back: the session goes on from the row before its final one."""

from typing import Any

import orjson
import structlog

from agent_core.agent.base import AgentRejectedError
from agent_core.fleet.fleet import Fleet
from agent_core.fleet.recovery import SessionUnusableError
from agent_core.inbox.reopening import reopened
from agent_core.session.log import Event
from agent_core.session.restoring import RESTORE_S, Destroyed, destroyed
from agent_core.session.session import Session
from agent_core.session.status import Status
from agent_core.session.trouble import restored_trouble
from agent_core.session.waiting import restored_wait
from reins.threads import READS
from store import agent_steps, agents_config
from store.times import to_us

_logger = structlog.get_logger(__name__)

_LOOKED_AT = 100
"""Rows in which the one before a stop is looked for: what came in before it is applied first."""


class RestoreRejectedError(ValueError):
    """The session cannot be brought back; the message says why, and what to do."""


async def restore(fleet: Fleet, ended: Session, action: dict[str, Any]) -> int:
    """Bring a destroyed session back as it was, and the children that ended with it.

    Returns the `seq` at which that is on record. `action` is the row of the action; that of a child
    has no id.

    Raises: RestoreRejectedError, AgentRejectedError, SessionUnusableError.
    """
    before, destroy = await _last_rows(fleet, ended, action)
    if action["action_id"] and (parent := await fleet.children.over_parent(ended)) is not None:
        raise RestoreRejectedError(
            f"the parent {parent.session_id} of session {ended.session_id} is {parent.status}; "
            "restore that, and its children come back with it. Nothing was undone"
        )
    resting = await _before_stopping(fleet, ended, before)
    session = await fleet.recovery.read(ended.session_id)
    assert session is not None, "it was found a moment ago"
    session.unmarked = ended.unmarked
    _stand_as(session, before, resting)
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
            applied=[action["action_id"]] if action["action_id"] else [],
        )
        also = [*records, *await session.agent.admit()]
        # Before their parent goes on: it would take them for destroyed by somebody.
        await _restore_children(fleet, session.session_id, destroy, action)
        # What has failed ends with its result, as it did.
        if session.status.ended:
            return (
                await session.log.record(event, session.agent.final(error=session.error), also=also)
                - 1
            )
        # Before the commit: whoever finds it on disk meanwhile would let another one live.
        fleet.live[session.session_id] = session
        try:
            seq = await session.log.record(event, also=also)
        except BaseException:
            del fleet.live[session.session_id]
            raise
    fleet.go_on(session)
    if action["action_id"]:  # the parent of a child that comes back with it is not there yet
        await fleet.children.reconcile([session])
    return seq


async def _restore_children(
    fleet: Fleet, parent_id: str, destroy: Destroyed, action: dict[str, Any]
) -> None:
    """Those that this destroy of their parent has stopped; done again, nothing is left to do."""
    store = fleet.store.reader
    for child_id in await READS.call(agents_config.children_of, parent_id, store=store):
        child = await fleet.find_usable(child_id)
        if child is None or not await child.until_over() or child.status is not Status.STOPPED:
            continue
        try:
            _, end = await _last_rows(fleet, child, action)
            if end.actor == parent_id and end.at >= destroy.at:
                await restore(fleet, child, action | {"action_id": None})
        except (RestoreRejectedError, AgentRejectedError, SessionUnusableError) as error:
            # Its parent learns of its end, as of any other.
            _logger.warning("a child was not restored", error=str(error), **child.names)


async def _last_rows(
    fleet: Fleet, ended: Session, action: dict[str, Any]
) -> tuple[dict[str, Any], Destroyed]:
    """The snapshot before the final row, and the destroy. Raises: RestoreRejectedError."""
    name = ended.session_id
    if ended.status is not Status.STOPPED:
        raise RestoreRejectedError(
            f"session {name} is {ended.status}; expected one that was destroyed. Nothing was undone"
        )
    rows = await READS.call(
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
    return orjson.loads(rows[0]["state"]), destroy


async def _before_stopping(fleet: Fleet, ended: Session, before: dict[str, Any]) -> dict[str, Any]:
    """The newest snapshot from before the stop was announced: one that was paused may have been
    taking guidance in, and its rows since then say `stopping` alone.
    """
    if before["status"] != Status.STOPPING:
        return before
    rows = await READS.call(
        agent_steps.list_steps,
        ended.session_id,
        max(0, ended.seq - _LOOKED_AT),
        _LOOKED_AT,
        store=fleet.store.reader,
    )
    snapshots = (orjson.loads(row["state"]) for row in reversed(rows[:-1]))
    return next((each for each in snapshots if each["status"] != Status.STOPPING), before)


def _stand_as(session: Session, before: dict[str, Any], resting: dict[str, Any]) -> None:
    """Let it stand as a start of the worker would find it in the rows with these snapshots."""
    was = Status(resting["status"])
    # A tick that was under way is not: it gave way to the stop, and is done again.
    amid = {Status.STOPPING: Status.RUNNING, Status.PAUSING: Status.PAUSED}
    session.status = amid.get(was, was)
    session.held = resting.get("held")
    session.waits = restored_wait(before)
    session.trouble = restored_trouble(before.get("trouble"))
