"""Creating sessions: the API refuses at once whatever the worker would refuse."""

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from flask import Response
from pydantic import Field, RootModel, TypeAdapter, WrapValidator

from agent_core.actions.creating import creation
from agent_core.actions.ids import Id
from agent_core.agent.creation import Creation
from reins.web.api.accepted import MAYBE_MANY_IF_ROOM, accepted, accepted_many
from reins.web.api.context import ApiContext, api_context
from reins.web.api.sessions.checks import Checks, naming_entry
from reins.web.api.sessions.read import api
from reins.web.http.fields import ActorBody
from reins.web.http.idempotency import KeyHeader
from reins.web.http.problem import refusals

_MAX_MANY = 1_000


class CreateSessionBody(ActorBody):
    agent_id: Id
    agent_type: Id = "joke"
    session_id: Annotated[Id | None, Field(description="the agent's own, if left out")] = None
    config: dict[str, Any] = Field({}, description="the fields of the type's config")
    description: str | None = None
    metadata: dict[str, Any] | None = None

    def creation(self) -> Creation:
        address = self.session_id or self.agent_id
        return Creation(self.agent_id, address, self.agent_type, self.config)

    def action(self) -> dict[str, Any]:
        return creation(**dict(self))


_Many: TypeAlias = Annotated[
    list[CreateSessionBody], Field(min_length=1, max_length=_MAX_MANY, description="in one commit")
]
_MANY: TypeAdapter[list[CreateSessionBody]] = TypeAdapter(_Many)


def _by_form(value: object, _: Callable[[object], object]) -> CreateSessionBody | _Many:
    # Not as a union, whose findings would name each form.
    if isinstance(value, list):
        return _MANY.validate_python(value)
    return CreateSessionBody.model_validate(value)


class CreateSessionsBody(
    RootModel[Annotated[CreateSessionBody | _Many, WrapValidator(_by_form)]],
):
    """One session, or a list of them."""


@api.post("/api/sessions", responses={**MAYBE_MANY_IF_ROOM, **refusals(400, 409, 413, 415)})
def create_session(header: KeyHeader, body: CreateSessionsBody) -> Response:
    """New sessions, one or a list, all or none; what was stopped goes on with its log."""
    context, asked = api_context(), body.root
    if isinstance(asked, list):
        return accepted_many(context, header, lambda: _actions(context, asked), len(asked))
    return accepted(context, header, lambda: _action(context, asked))


def _action(context: ApiContext, body: CreateSessionBody) -> dict[str, Any]:
    Checks.of_one(context, body.creation().session_id).check(body.creation())
    return body.action()


def _actions(context: ApiContext, bodies: list[CreateSessionBody]) -> list[dict[str, Any]]:
    checks = Checks.of_many(context)
    actions = []
    for number, body in enumerate(bodies):
        with naming_entry(number):
            checks.check(body.creation())
            actions.append(body.action())
    return actions
