"""The handlers of actions about conversations."""

from functools import partial
from typing import Any

from agent_core.actions.handling import handles
from agent_core.actions.payloads import (
    ConversationCreate,
    ConversationEnd,
    ConversationPause,
    ConversationResume,
    ConversationSet,
    PostMessage,
)
from agent_core.conversations.branching import MOST_COPIED, copies
from agent_core.dispatch.handlers import ActionRejectedError, Context, Result
from agent_core.dispatch.queued import QueuedAction
from agent_core.session.controls import Applied
from reins.threads import READS
from store.journal.file import Record
from store.messages import list_messages


@handles(ConversationCreate)
async def conversation_create(context: Context, action: QueuedAction) -> Result:
    payload = action.payload(ConversationCreate)
    other = context.conversations.ids.look_alike(payload.conversation_id)
    if other is not None:
        raise ActionRejectedError(
            f"conversation {other} looks the same as {payload.conversation_id!a}; choose another id"
        )
    conversation = context.conversations.get(payload.conversation_id)
    is_own = payload.branch_of == payload.conversation_id
    if is_own or not await conversation.create(
        payload.title, action.actor, action.action_id, partial(_copied, context, payload)
    ):
        raise ActionRejectedError(
            f"conversation {payload.conversation_id} exists; choose another id"
        )
    return Applied()


async def _copied(context: Context, payload: ConversationCreate) -> list[Record]:
    """The messages that it begins with."""
    if payload.branch_of is None or payload.upto is None:
        if payload.branch_of is not None or payload.upto is not None:
            raise ActionRejectedError(
                "branch_of and upto belong together; give both, or leave both out"
            )
        return []
    source = context.conversations.get(payload.branch_of)
    await source.load()
    if payload.upto > min(source.newest, MOST_COPIED):
        raise ActionRejectedError(
            f"upto is {payload.upto}; conversation {payload.branch_of} has {source.newest} "
            f"messages, of which {MOST_COPIED} at the most are copied"
        )
    rows = await READS.call(
        list_messages, payload.branch_of, 0, payload.upto, store=context.fleet.store.reader
    )
    return copies(rows, payload.conversation_id)


@handles(PostMessage)
async def post_message(context: Context, action: QueuedAction) -> Result:
    payload = action.payload(PostMessage)
    conversation = context.conversations.get(payload.conversation_id)
    again = action.action_id in context.fleet.replayed
    await conversation.post(action.action_id, action.actor, payload.text, again=again)
    return Applied()


@handles(ConversationPause)
async def conversation_pause(context: Context, action: QueuedAction) -> Result:
    payload = action.payload(ConversationPause)
    return await _change(context, action, payload.conversation_id, paused_by=action.actor)


@handles(ConversationResume)
async def conversation_resume(context: Context, action: QueuedAction) -> Result:
    conversation_id = action.payload(ConversationResume).conversation_id
    return await _change(context, action, conversation_id, paused_by=None, counted_from=None)


@handles(ConversationSet)
async def conversation_set(context: Context, action: QueuedAction) -> Result:
    payload = action.payload(ConversationSet)
    changes = payload.model_dump(exclude={"conversation_id"}, exclude_none=True)
    if not changes:
        raise ActionRejectedError("nothing is given; expected a title, a pace or a ceiling")
    return await _change(context, action, payload.conversation_id, **changes)


@handles(ConversationEnd)
async def conversation_end(context: Context, action: QueuedAction) -> Result:
    payload = action.payload(ConversationEnd)
    return await _change(context, action, payload.conversation_id, ended_by=action.actor)


async def _change(
    context: Context, action: QueuedAction, conversation_id: str, **changes: Any
) -> Result:
    await context.conversations.get(conversation_id).change(action.action_id, **changes)
    return Applied()
