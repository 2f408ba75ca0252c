"""The handlers of the chassis's own actions.

A handler gets the worker's context and the action. It returns the outcome, or a future of it: the
next action of the same lane is taken up as soon as the handler has returned, so that a destroy is
not kept waiting by a pause that waits for a tick.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from agent_core.actions.handling import handles
from agent_core.actions.payloads import (
    AgentDestroy,
    AgentInterrupt,
    AgentPause,
    AgentRestore,
    AgentResume,
    CreateAgent,
    EnvironmentReload,
    InboxDecide,
    RuleRevoke,
    ToSession,
    ViewSave,
)
from agent_core.agent.base import AgentRejectedError
from agent_core.agent.creation import CreateError, Creation
from agent_core.agent.guidance import GuidanceRejectedError
from agent_core.conversations.conversations import Conversations
from agent_core.conversations.message import (
    ConversationEndedError,
    ConversationUnknownError,
    NameTakenError,
)
from agent_core.dispatch.queued import QueuedAction
from agent_core.dispatch.saving import save
from agent_core.fleet.fleet import Fleet
from agent_core.fleet.restoring import RestoreRejectedError, restore
from agent_core.inbox.deciding import check_row
from agent_core.session.controls import (
    Applied,
    Control,
    Decide,
    Interrupt,
    Outcome,
    Pause,
    Resume,
    Stop,
    unanswered,
)  # fmt: skip
from agent_core.session.decisions import Decision, DecisionRejectedError
from agent_core.session.session import Session
from agent_core.session.status import Status
from store.id_forms import is_same

P = TypeVar("P", bound=ToSession)
Result: TypeAlias = "Outcome | asyncio.Future[Outcome]"


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of the worker that handlers use.

    `reload` reads the environment again and raises ValueError if it is invalid.
    """

    fleet: Fleet
    conversations: Conversations
    reload: Callable[[], Awaitable[str]]


class ActionRejectedError(ValueError):
    """The action cannot be done; the message is its error."""


@handles(CreateAgent)
async def create_agent(context: Context, action: QueuedAction) -> Result:
    payload = action.payload(CreateAgent)
    fleet = context.fleet
    asked = _creation(payload)
    before = await fleet.find(payload.address)
    if before is not None:
        if (seq := before.unmarked.get(action.action_id)) is not None:
            return Applied(seq)
        await before.until_over()  # a destroy that came first has its turn
        asked.check_free(before.agent_id, before.status)
        asked.check_orphaned(None if before.lineage is None else before.lineage.parent)
    else:
        asked.check_unlike(fleet.ids.look_alike(payload.address))
    kind, checked = asked.check_config(
        types=fleet.types.by_name,
        own=await fleet.own_config(payload.agent_id) if asked.further else None,
        knows_route=fleet.knows_route,
    )
    seq = await fleet.create(
        kind,
        checked,
        agent_id=payload.agent_id,
        session_id=payload.address,
        before=before,
        own_budget="budget" in (payload.config or {}),
        created={
            "action_id": action.action_id,
            "created_by": action.actor,
            "description": action.row["description"],
            "metadata": action.row["metadata"],
        },
    )
    return Applied(seq)


def _creation(payload: CreateAgent) -> Creation:
    config = dict(payload.config or {})
    if payload.initial_subject is not None:
        config["subject"] = payload.initial_subject
    return Creation(payload.agent_id, payload.address, payload.agent_type, config)


@handles(AgentPause)
async def agent_pause(context: Context, action: QueuedAction) -> Result:
    payload = action.payload(AgentPause)
    session = await addressed(context, payload)
    return _deliver(session, action, Pause, reason=payload.reason)


@handles(AgentResume)
async def agent_resume(context: Context, action: QueuedAction) -> Result:
    payload = action.payload(AgentResume)
    session = await addressed(context, payload)
    if not await _failed(session) or action.action_id in session.unmarked:
        return _deliver(session, action, Resume, mode=payload.mode)
    if (parent := await context.fleet.children.over_parent(session)) is not None:
        raise ActionRejectedError(
            f"the parent {parent.session_id} of session {session.session_id} is {parent.status}; "
            "restore the parent first, within ten minutes of its destroy"
        )
    resume = Resume(action.action_id, action.actor, unanswered())
    await session.agent.apply(resume)
    context.fleet.start_again(session)
    await context.fleet.children.reconcile([session])
    return await resume.done


@handles(AgentInterrupt)
async def agent_interrupt(context: Context, action: QueuedAction) -> Result:
    payload = action.payload(AgentInterrupt)
    session = await addressed(context, payload)
    session.agent.parse_guidance(payload.guidance)  # what nobody could apply is refused at once
    undoes = payload.undoes and (payload.undoes.action_id, payload.undoes.guided)
    return _deliver(
        session, action, Interrupt, raw=payload.guidance, mode=payload.mode, undoes=undoes
    )


@handles(AgentDestroy)
async def agent_destroy(context: Context, action: QueuedAction) -> Result:
    payload = action.payload(AgentDestroy)
    session = await addressed(context, payload)
    if not await _failed(session) or action.action_id in session.unmarked:
        return _deliver(session, action, Stop, reason=payload.reason)
    session.status = Status.STOPPED
    stop = Stop(action.action_id, action.actor, unanswered(), payload.reason)
    seq = await session.log.record(session.agent.final(stop))
    context.fleet.children.ended(session)
    return Applied(seq)


@handles(AgentRestore)
async def agent_restore(context: Context, action: QueuedAction) -> Result:
    session = await addressed(context, action.payload(AgentRestore))
    if (seq := session.unmarked.get(action.action_id)) is not None:
        return Applied(seq)
    await session.until_over()  # a destroy that came first has its turn
    return Applied(await restore(context.fleet, session, action.row))


@handles(InboxDecide)
async def inbox_decide(context: Context, action: QueuedAction) -> Result:
    payload = action.payload(InboxDecide)
    inbox = context.fleet.inbox
    row = await inbox.find(payload.item_id)
    if row is None:
        raise ActionRejectedError(f"there is no item {payload.item_id}; see GET /api/inbox")
    session = await context.fleet.find(row["session_id"])
    if session is not None and (seq := session.unmarked.get(action.action_id)) is not None:
        return Applied(seq)
    decision = Decision(
        item_id=payload.item_id,
        kind=row["kind"],
        tool=row["tool"],
        decision=payload.decision,
        actor=action.actor,
        call_hash=payload.call_hash or row["call_hash"],
        args=payload.args,
        text=payload.text,
        reason=payload.reason,
    )
    check_row(row, decision)  # what nobody could apply is refused at once
    if session is None:
        raise ActionRejectedError(f"session {row['session_id']} of the item is not there")
    asked = inbox.asked(payload.item_id, action_id=action.action_id, remember=payload.remember)
    return _deliver(session, action, Decide, decision=decision, asked=asked)


@handles(RuleRevoke)
async def rule_revoke(context: Context, action: QueuedAction) -> Result:
    payload = action.payload(RuleRevoke)
    inbox = context.fleet.inbox
    if not await inbox.revoke(payload.rule_id, by=action.actor, action_id=action.action_id):
        raise ActionRejectedError(
            f"there is no rule {payload.rule_id} that holds; see GET /api/approval-rules"
        )
    return Applied()


@handles(EnvironmentReload)
async def environment_reload(context: Context, action: QueuedAction) -> Result:
    action.payload(EnvironmentReload)
    try:
        await context.reload()
    except ValueError as error:
        raise ActionRejectedError(f"nothing was reloaded: {error}") from error
    return Applied()


@handles(ViewSave)
async def view_save(context: Context, action: QueuedAction) -> Result:
    await save(context.fleet.store, action)
    return Applied()


REJECTIONS = (
    CreateError,
    ActionRejectedError,
    AgentRejectedError,
    ConversationUnknownError,
    ConversationEndedError,
    NameTakenError,
    GuidanceRejectedError,
    DecisionRejectedError,
    RestoreRejectedError,
)


async def addressed(context: Context, payload: P) -> Session:
    """The session that an action names. Raises: ActionRejectedError."""
    session = await context.fleet.find(payload.address)
    if session is None:
        raise ActionRejectedError(
            f"there is no session {payload.address}{_alike(context, payload.address)}; "
            "create it first, or check the id"
        )
    if not is_same(session.agent_id, payload.agent_id):
        raise ActionRejectedError(
            f"session {payload.address} belongs to agent {session.agent_id}, "
            f"not {payload.agent_id}; check the ids"
        )
    return session


def _alike(context: Context, address: str) -> str:
    other = context.fleet.ids.look_alike(address)
    return "" if other is None else f", but {other!a}, which looks the same"


async def _failed(session: Session) -> bool:
    """True if it has failed; then nothing of it runs any more."""
    return session.status is Status.FAILED and await session.until_over()


def _deliver(session: Session, action: QueuedAction, kind: type[Control], **parts: Any) -> Result:
    if (seq := session.unmarked.get(action.action_id)) is not None:
        return Applied(seq)  # applied before a crash, and not marked then
    control = kind(action.action_id, action.actor, unanswered(), **parts)
    session.deliver(control)
    return control.done
