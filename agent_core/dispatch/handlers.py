"""What each type of action does.

A handler gets the worker's context and the action. It returns the outcome, or a future of it: the
next action of the same lane is taken up as soon as the handler has returned, so that a destroy is
not kept waiting by a pause that waits for a tick.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from pydantic import ValidationError

from agent_core.actions.handling import handles
from agent_core.actions.payloads import (
    AgentDestroy,
    AgentInterrupt,
    AgentPause,
    AgentResume,
    ConversationCreate,
    CreateAgent,
    EnvironmentReload,
    PostMessage,
    ToSession,
)
from agent_core.agent.base import AgentRejected, GuidanceRejected, problems
from agent_core.conversations.conversation import Conversations, ConversationUnknown
from agent_core.dispatch.queued import Action
from agent_core.fleet.fleet import Sessions
from agent_core.session.controls import Applied, Control, Interrupt, Outcome, Pause, Resume, Stop
from agent_core.session.log import Event
from agent_core.session.session import Session
from agent_core.session.status import Status

P = TypeVar("P", bound=ToSession)
Result: TypeAlias = "Outcome | asyncio.Future[Outcome]"


@dataclass(frozen=True, slots=True)
class Context:
    """What handlers may use. `reload` reads the environment again and raises if it is invalid."""

    sessions: Sessions
    conversations: Conversations
    reload: Callable[[], Awaitable[str]]


class ActionRejected(ValueError):  # noqa: N818
    """The action cannot be done; the message is its error."""


@handles(CreateAgent)
async def create_agent(context: Context, action: Action) -> Result:
    payload = action.payload(CreateAgent)
    sessions = context.sessions
    before = await sessions.find(payload.address)
    if before is not None:
        if (seq := before.unmarked.get(action.action_id)) is not None:
            return Applied(seq)
        await before.until_over()  # a destroy that came first has its turn
        _refuse_if_taken(before, payload)
    kind = sessions.types.get(payload.agent_type)
    if kind is None:
        raise ActionRejected(
            f"agent type is {payload.agent_type!r}; "
            f"expected one of {', '.join(sessions.types.names())}"
        )
    config = await _config_for(sessions, payload)
    try:
        checked = kind.Config.model_validate(config)
    except ValidationError as error:
        raise ActionRejected(
            f"the config does not fit agents of type {payload.agent_type}: {problems(error)}; "
            f"expected the fields {', '.join(kind.Config.model_fields)}"
        ) from None
    if checked.route is not None and not sessions.knows_route(checked.route):
        raise ActionRejected(
            f"there is no model route {checked.route!r}; name one of the models' file, or none"
        )
    seq = await sessions.create(
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


def _refuse_if_taken(before: Session, payload: CreateAgent) -> None:
    if before.agent_id != payload.agent_id:
        raise ActionRejected(
            f"session {payload.address} belongs to agent {before.agent_id}; choose another id"
        )
    if not before.status.over:
        raise ActionRejected(
            f"session {payload.address} exists and is {before.status}; "
            "destroy it first, or choose another id"
        )


async def _config_for(sessions: Sessions, payload: CreateAgent) -> dict[str, Any]:
    """The agent's own configuration, what the action says of it, and the subject."""
    config: dict[str, Any] = {}
    own = None
    if payload.address != payload.agent_id:
        own = await sessions.own_config(payload.agent_id)
    if own is not None:
        if own["agent_type"] != payload.agent_type:
            raise ActionRejected(
                f"agent {payload.agent_id} is of type {own['agent_type']}, "
                f"not {payload.agent_type}; an agent's sessions are of one type"
            )
        config = own["config"]
    config = config | (payload.config or {})
    if payload.initial_subject is not None:
        config["subject"] = payload.initial_subject
    return config


@handles(AgentPause)
async def agent_pause(context: Context, action: Action) -> Result:
    payload = action.payload(AgentPause)
    session = await _addressed(context, payload)
    return _deliver(session, action, Pause, reason=payload.reason)


@handles(AgentResume)
async def agent_resume(context: Context, action: Action) -> Result:
    session = await _addressed(context, action.payload(AgentResume))
    if not await _failed(session) or action.action_id in session.unmarked:
        return _deliver(session, action, Resume)
    session.status = Status.RUNNING
    session.failures = 0
    session.error = None
    event = Event(
        "status",
        "running again after failure",
        payload={"actor": action.actor},
        applied=[action.action_id],
    )
    seq = await session.log.record(event)
    context.sessions.start_again(session)
    return Applied(seq)


@handles(AgentInterrupt)
async def agent_interrupt(context: Context, action: Action) -> Result:
    payload = action.payload(AgentInterrupt)
    session = await _addressed(context, payload)
    assert session.agent is not None
    session.agent.parse_guidance(payload.guidance)  # what nobody could apply is refused at once
    return _deliver(session, action, Interrupt, raw=payload.guidance, mode=payload.mode)


@handles(AgentDestroy)
async def agent_destroy(context: Context, action: Action) -> Result:
    payload = action.payload(AgentDestroy)
    session = await _addressed(context, payload)
    if not await _failed(session) or action.action_id in session.unmarked:
        return _deliver(session, action, Stop, reason=payload.reason)
    assert session.agent is not None
    session.status = Status.STOPPED
    stop = Stop(action.action_id, action.actor, _future(), payload.reason)
    return Applied(await session.log.record(session.agent.final(stop)))


@handles(EnvironmentReload)
async def environment_reload(context: Context, action: Action) -> Result:
    action.payload(EnvironmentReload)
    try:
        await context.reload()
    except ValueError as error:
        raise ActionRejected(f"nothing was reloaded: {error}") from error
    return Applied()


@handles(ConversationCreate)
async def conversation_create(context: Context, action: Action) -> Result:
    payload = action.payload(ConversationCreate)
    conversation = context.conversations.get(payload.conversation_id)
    if not await conversation.create(payload.title, action.actor, action.action_id):
        raise ActionRejected(f"conversation {payload.conversation_id} exists; choose another id")
    return Applied()


@handles(PostMessage)
async def post_message(context: Context, action: Action) -> Result:
    payload = action.payload(PostMessage)
    conversation = context.conversations.get(payload.conversation_id)
    again = action.action_id in context.sessions.replayed
    await conversation.post(action.action_id, action.actor, payload.text, again=again)
    return Applied()


REJECTIONS = (ActionRejected, AgentRejected, ConversationUnknown, GuidanceRejected)


async def _addressed(context: Context, payload: P) -> Session:
    session = await context.sessions.find(payload.address)
    if session is None:
        raise ActionRejected(
            f"there is no session {payload.address}; create it first, or check the id"
        )
    if session.agent_id != payload.agent_id:
        raise ActionRejected(
            f"session {payload.address} belongs to agent {session.agent_id}, "
            f"not {payload.agent_id}; check the ids"
        )
    return session


async def _failed(session: Session) -> bool:
    """Whether it has failed; then nothing of it runs any more."""
    return session.status is Status.FAILED and await session.until_over()


def _deliver(session: Session, action: Action, kind: type[Control], **parts: Any) -> Result:
    if (seq := session.unmarked.get(action.action_id)) is not None:
        return Applied(seq)  # applied before a crash, and not marked then
    control = kind(action.action_id, action.actor, _future(), **parts)
    session.deliver(control)
    return control.done


def _future() -> "asyncio.Future[Outcome]":
    return asyncio.get_running_loop().create_future()
