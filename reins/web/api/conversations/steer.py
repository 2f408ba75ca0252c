"""Steering a conversation: all who take part in it at once, each time with a receipt."""

from typing import Annotated, Any, Literal, Self

from flask import Response
from pydantic import Field, model_validator

import queue_imp
from agent_core.actions.branching import branching
from agent_core.actions.ids import Id, KnownId
from reins.web.api.accepted import IF_ROOM, MANY_IF_ROOM, accepted, accepted_many
from reins.web.api.context import api_context
from reins.web.api.conversations.read import api, is_there, open_one, recorded
from reins.web.api.paths import ConversationPath
from reins.web.http.fields import ActorBody, Whole
from reins.web.http.idempotency import KeyHeader
from reins.web.http.problem import RequestRefusedError, refusals
from store.conversations import MAX_CEILING

_ANSWERS = {**IF_ROOM, **refusals(400, 404, 409, 413, 415)}


class WithReasonBody(ActorBody):
    reason: str | None = None


class ResumeConversationBody(ActorBody):
    pass


class ConversationSettingsBody(ActorBody):
    title: str | None = None
    pace: Literal["calm", "brisk", "free"] | None = None
    ceiling: Annotated[
        Annotated[int, Field(ge=1, le=MAX_CEILING), Whole] | None,
        Field(description="messages of personas without a person's, then they rest"),
    ] = None

    @model_validator(mode="after")
    def _gives_something(self) -> Self:
        if not self.model_fields_set - {"actor"}:
            raise ValueError("nothing is given; expected a title, a pace or a ceiling")
        return self


class BranchBody(ActorBody):
    branch_id: Annotated[Id, Field(description="of the new conversation")]
    upto: Annotated[int, Field(ge=1, description="the last message that it begins with"), Whole]
    title: str | None = None
    speaker: Annotated[
        KnownId | None, Field(description="session whose persona is asked to speak there")
    ] = None


@api.post(
    "/api/conversations/<segment:conversation_id>/branch",
    responses={**MANY_IF_ROOM, **refusals(400, 404, 409, 413, 415)},
)
def branch_conversation(path: ConversationPath, header: KeyHeader, body: BranchBody) -> Response:
    """A new conversation that begins with the messages up to one, and the same personas anew."""
    context = api_context()
    conversation_id, store = path.conversation_id, context.bridge.store
    recorded(context, conversation_id)
    present = context.current_participants().present(conversation_id)

    def make() -> list[dict[str, Any]]:
        if is_there(context, body.branch_id):
            raise RequestRefusedError(
                409, f"conversation {body.branch_id} exists; choose another id"
            )
        return branching(
            conversation_id, body.upto, body.branch_id, body.actor,
            title=body.title, speaker=body.speaker, store=store,
        )  # fmt: skip

    return accepted_many(context, header, make, 1 + present + (body.speaker is not None))


@api.post("/api/conversations/<segment:conversation_id>/pause", responses=_ANSWERS)
def pause_conversation(path: ConversationPath, header: KeyHeader, body: WithReasonBody) -> Response:
    """Let no persona speak in it until it is resumed."""
    return _accepted(path, header, "conversation_pause", body.actor, reason=body.reason)


@api.post("/api/conversations/<segment:conversation_id>/resume", responses=_ANSWERS)
def resume_conversation(
    path: ConversationPath, header: KeyHeader, body: ResumeConversationBody
) -> Response:
    """Let the personas go on: also where they rest, since a person's word was long ago."""
    return _accepted(path, header, "conversation_resume", body.actor)


@api.post("/api/conversations/<segment:conversation_id>/settings", responses=_ANSWERS)
def set_conversation(
    path: ConversationPath, header: KeyHeader, body: ConversationSettingsBody
) -> Response:
    """Change its title, pace or ceiling; what is left out stays."""
    changes = body.model_dump(exclude={"actor"})
    return _accepted(path, header, "conversation_set", body.actor, **changes)


@api.post("/api/conversations/<segment:conversation_id>/end", responses=_ANSWERS)
def end_conversation(path: ConversationPath, header: KeyHeader, body: WithReasonBody) -> Response:
    """End it: nobody speaks any more, its personas complete, its transcript stays."""
    return _accepted(path, header, "conversation_end", body.actor, reason=body.reason)


def _accepted(
    path: ConversationPath, header: KeyHeader, action_type: str, actor: str, **parts: Any
) -> Response:
    context = api_context()

    def make() -> dict[str, Any]:
        open_one(context, path.conversation_id)
        return queue_imp.create_action(
            action_type, actor, conversation_id=path.conversation_id, **parts
        )

    return accepted(context, header, make)
