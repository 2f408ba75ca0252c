"""The handlers of who reads along: remarks at rows of a log, and guidance that is not to wait."""

import asyncio

from agent_core.actions.handling import handles
from agent_core.actions.payloads import AgentHasten, NoteAdd
from agent_core.dispatch.handlers import ActionRejectedError, Context, Result, addressed
from agent_core.dispatch.queued import QueuedAction
from agent_core.session.controls import Applied, Interrupt
from store import notes
from store.times import EPOCH, to_us


@handles(AgentHasten)
async def agent_hasten(context: Context, action: QueuedAction) -> Result:
    payload = action.payload(AgentHasten)
    session = await addressed(context, payload)
    taken = session.mailbox.taken
    if isinstance(taken, Interrupt) and taken.action_id == payload.guidance_id:
        return asyncio.shield(taken.done)  # no tick is before it any more
    waits = (
        control
        for control in session.mailbox.waiting()
        if isinstance(control, Interrupt) and control.action_id == payload.guidance_id
    )
    if (control := next(waits, None)) is None:
        if (seq := session.unmarked.get(payload.guidance_id)) is not None:
            return Applied(seq)
        raise ActionRejectedError(
            f"guidance {payload.guidance_id} does not wait for session {session.session_id}: it "
            "was applied or rejected already; see its receipt"
        )
    # As guidance of mode now does when it comes in; applied it is once, whatever hastens it.
    session.scope.abort("guidance")
    return asyncio.shield(control.done)


@handles(NoteAdd)
async def note_add(context: Context, action: QueuedAction) -> Result:
    payload = action.payload(NoteAdd)
    session = await addressed(context, payload)
    if payload.seq > session.log.seq:
        raise ActionRejectedError(
            f"the log of {session.session_id} has no row {payload.seq}; its newest is "
            f"{session.log.seq}"
        )
    # Of the action alone, so that it is the same note where a crash lets it be done again.
    note = {
        "note_id": action.action_id,
        "session_id": session.session_id,
        "agent_id": session.agent_id,
        "seq": payload.seq,
        "author": action.actor,
        "text": payload.text,
        "created_at": to_us(action.row["created_at"] or EPOCH),
    }
    await session.log.write([notes.record(note)])
    return Applied()
