"""Creating a session: the API refuses at once whatever the worker would refuse."""

import contextlib
from collections.abc import Iterator
from typing import Annotated, Any

import orjson
from flask import Response
from pydantic import Field

import queue_imp
from agent_core.actions.ids import Id
from agent_core.agent.creation import CreateError, Creation
from agent_core.session.status import Status
from reins.names.looks import look_alike
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

    def creation(self) -> Creation:
        return Creation(self.agent_id, self.address, self.agent_type, self.config)


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
    if known is not None:
        status = Status(known["status"]) if last is None else None
        with _refusing():
            body.creation().check_free(known["agent_id"], status)
    else:
        with _refusing():
            body.creation().check_unlike(look_alike(address, context.index))


def _check_config(context: ApiContext, body: CreateSessionBody) -> None:
    """Raises: RequestRefusedError where the worker would refuse the type or the config."""
    with _refusing():
        body.creation().check_config(
            types=types_of(context),
            own=_own_config(context, body),
            knows_route=context.bridge.knows_route,
        )


def _own_config(context: ApiContext, body: CreateSessionBody) -> dict[str, Any] | None:
    """Type and configuration of the agent's own session, for a further one."""
    if not body.creation().further:
        return None
    own = agents_config.get_agent_config(body.agent_id, store=context.bridge.store)
    if own is None or own["agent_id"] != body.agent_id:
        return None
    return {"agent_type": own["agent_type"], "config": orjson.loads(own["config"] or "{}")}


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Answer a create that cannot be with a problem, field by field."""
    try:
        yield
    except CreateError as error:
        if error.where is None:
            raise RequestRefusedError(409, str(error)) from None
        if error.errors is None:
            raise unfit(f"body.{error.where}", str(error)) from None
        found = error.errors.errors(include_url=False)[:20]
        flaws = [flaw(f"body.{error.where}", each) for each in found]
        raise RequestRefusedError(422, str(error), flaws) from None
