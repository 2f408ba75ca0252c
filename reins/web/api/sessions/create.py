"""Creating a session: everything the worker would refuse is refused here already."""

from typing import Annotated, Any

import orjson
from flask import Response
from pydantic import Field, ValidationError

import queue_imp
from agent_core.actions.ids import Id
from agent_core.session.status import Status
from reins.web.api.accepted import ACCEPTED, accepted
from reins.web.api.agent_types import types_of
from reins.web.api.context import ApiContext, api_context
from reins.web.api.sessions.read import api
from reins.web.http.fields import ActorBody
from reins.web.http.idempotency import KeyHeader
from reins.web.http.problem import RequestRefusedError, flaw, refusals, unfit
from store import agents_config, queue_reading


class CreateSessionBody(ActorBody):
    agent_id: Id
    agent_type: Id = "joke"
    session_id: Annotated[Id | None, Field(description="the agent's own, if left out")] = None
    config: dict[str, Any] = Field({}, description="the fields of the type's config")
    description: str | None = None
    metadata: dict[str, Any] | None = None

    @property
    def address(self) -> str:
        return self.session_id or self.agent_id


@api.post("/api/sessions", responses={**ACCEPTED, **refusals(400, 409, 413, 415)})
def create_session(header: KeyHeader, body: CreateSessionBody) -> Response:
    """A new session, which begins to tick at once; one that was stopped goes on with its log."""
    context = api_context()

    def make() -> dict[str, Any]:
        _check_free(context, body)
        _check_config(context, body)
        return queue_imp.create_action(
            "create_agent",
            body.actor,
            agent_id=body.agent_id,
            session_id=body.session_id,
            description=body.description,
            metadata=body.metadata,
            agent_type=body.agent_type,
            config=body.config,
        )

    return accepted(context, header, make)


def _check_free(context: ApiContext, body: CreateSessionBody) -> None:
    """Raises: RequestRefusedError where the session is there, or will be when this is taken up."""
    address = body.address
    before = queue_reading.waiting(context.bridge.store, ["create_agent", "agent_destroy"], address)
    last = before[-1] if before else None
    if last is not None and last["type"] == "create_agent":
        raise RequestRefusedError(
            409,
            f"the creation of session {address} is in the queue already, as action "
            f"{last['action_id']}; wait for it, or choose another id",
        )
    known = context.current().get(address)
    if known is None:
        return
    if known["agent_id"] != body.agent_id:
        raise RequestRefusedError(
            409, f"session {address} belongs to agent {known['agent_id']}; choose another id"
        )
    if last is None and not Status(known["status"]).over:
        raise RequestRefusedError(
            409,
            f"session {address} exists and is {known['status']}; "
            "destroy it first, or choose another id",
        )


def _check_config(context: ApiContext, body: CreateSessionBody) -> None:
    types = types_of(context)
    kind = types.get(body.agent_type)
    if kind is None:
        known = ", ".join(sorted(types))
        raise unfit("body.agent_type", f"{body.agent_type!r} is unknown; expected one of {known}")
    try:
        checked = kind.Config.model_validate(_own_config(context, body) | body.config)
    except ValidationError as error:
        flaws = [flaw("body.config", each) for each in error.errors(include_url=False)[:20]]
        fields = ", ".join(kind.Config.model_fields)
        raise RequestRefusedError(
            422,
            f"the config does not fit agents of type {body.agent_type}: "
            f"{'; '.join(each['what'] for each in flaws)}; expected the fields {fields}",
            flaws,
        ) from None
    if checked.route is not None and not context.bridge.knows_route(checked.route):
        raise unfit(
            "body.config.route",
            f"there is no model route {checked.route!r}; see GET /api/routes, or name none",
        )


def _own_config(context: ApiContext, body: CreateSessionBody) -> dict[str, Any]:
    """What a further session of an agent begins with. Raises: RequestRefusedError."""
    if body.address == body.agent_id:
        return {}
    own = agents_config.get_agent_config(body.agent_id, store=context.bridge.store)
    if own is None or own["agent_id"] != body.agent_id:
        return {}
    if own["agent_type"] != body.agent_type:
        raise RequestRefusedError(
            409,
            f"agent {body.agent_id} is of type {own['agent_type']}, not {body.agent_type}; "
            "an agent's sessions are of one type",
        )
    config: dict[str, Any] = orjson.loads(own["config"] or "{}")
    return config
