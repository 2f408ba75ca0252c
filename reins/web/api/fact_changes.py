"""Changing facts, and deciding about aliases."""

from typing import Annotated, Any, Literal

from flask import Response
from pydantic import Field

import queue_imp
from agent_core.actions.facts import MAX_TEXT_CHARS
from agent_core.actions.ids import KnownId
from reins.web.api.accepted import IF_ROOM, accepted
from reins.web.api.context import ApiContext, api_context
from reins.web.api.facts import (
    FactScope,
    Name,
    SessionId,
    SourceName,
    TimeGiven,
    api,
    rows_of_fact,
    time_in,
)
from reins.web.api.sessions.read import seen
from reins.web.http.fields import ActorBody, Words
from reins.web.http.idempotency import KeyHeader
from reins.web.http.problem import refusals, unfit

_Text = Annotated[Words, Field(max_length=MAX_TEXT_CHARS)]


class FactsBody(ActorBody):
    """Whose facts: `session_id` goes with the scope session, `agent_id` with agent, none with
    shared.
    """

    scope: FactScope = "shared"
    session_id: SessionId | None = None
    agent_id: KnownId | None = None


class RememberBody(FactsBody):
    """A fact. `source`: on whose word, without it the document's or the actor's. `functional`: its
    relation has one object at a time from now on.
    """

    subject: Name
    relation: Name
    object: Name
    valid_from: TimeGiven | None = None
    valid_to: TimeGiven | None = None
    confidence: Annotated[float, Field(gt=0, le=1)] = 1.0
    source: SourceName | None = None
    document: SourceName | None = None
    text: _Text = ""
    functional: bool = False


class EndBody(ActorBody):
    fact_id: KnownId
    at: Annotated[TimeGiven | None, Field(description="from then on; else from now on")] = None
    text: _Text = ""


class FactOrSourceBody(ActorBody):
    """Either a fact, or all that rests on the word of a source alone."""

    fact_id: KnownId | None = None
    source: SourceName | None = None
    text: _Text = ""


class AliasBody(FactsBody):
    name: Name
    other: Name
    decision: Literal["same", "different"]
    text: _Text = ""


_ANSWERS = {**IF_ROOM, **refusals(400, 404, 413, 415)}


@api.post("/api/facts", responses=_ANSWERS)
def remember_fact(header: KeyHeader, body: RememberBody) -> Response:
    """Assert a fact, on record as the actor's; its id is the action's."""
    from reins.facts.fact import asserted, when  # noqa: PLC0415
    from reins.facts.naming import FactError  # noqa: PLC0415

    try:
        asserted(
            "", 0, body.subject, body.relation, body.object, source=body.source or body.actor,
            valid_from=when(body.valid_from, "valid_from"),
            valid_to=when(body.valid_to, "valid_to"),
        )  # fmt: skip
    except FactError as error:
        raise unfit("body", str(error)) from None
    return _change("fact_remember", header, body)


@api.post("/api/facts/end", responses=_ANSWERS)
def end_fact(header: KeyHeader, body: EndBody) -> Response:
    """Say that a fact is true no longer; it stays in the history."""
    time_in("body.at", body.at)
    return _change("fact_end", header, body)


@api.post("/api/facts/retract", responses=_ANSWERS)
def retract_fact(header: KeyHeader, body: FactOrSourceBody) -> Response:
    """Say that a fact, or all that rests on the word of a source alone, was never so."""
    return _change("fact_retract", header, body)


@api.post("/api/facts/restore", responses=_ANSWERS)
def restore_fact(header: KeyHeader, body: FactOrSourceBody) -> Response:
    """Take the newest end or retraction of a fact, or the retraction of a source, back."""
    return _change("fact_restore", header, body)


@api.post("/api/facts/aliases", responses=_ANSWERS)
def decide_alias(header: KeyHeader, body: AliasBody) -> Response:
    """Decide whether two names are of one entity."""
    return _change("alias_decide", header, body)


def _change(
    action_type: str,
    header: KeyHeader,
    body: RememberBody | EndBody | FactOrSourceBody | AliasBody,
) -> Response:
    context = api_context()

    def make() -> dict[str, Any]:
        parts = body.model_dump(exclude={"actor", "session_id", "agent_id"}, exclude_none=True)
        if isinstance(body, FactsBody):
            parts |= _whose(context, body)
        elif isinstance(body, FactOrSourceBody) and (body.fact_id is None) == (body.source is None):
            raise unfit("body", "give either fact_id or source")
        elif body.fact_id is not None:
            rows_of_fact(body.fact_id)
        return queue_imp.create_action(action_type, body.actor, **parts)

    return accepted(context, header, make)


def _whose(context: ApiContext, body: FactsBody) -> dict[str, Any]:
    """The ids of the action. Raises: RequestRefusedError."""
    given = {"session": body.session_id, "agent": body.agent_id}
    for scope, value in given.items():
        if (value is not None) != (scope == body.scope):
            wanted = f"{scope}_id goes with the scope {scope}, and only with it"
            raise unfit("body", f"{wanted}; the scope is {body.scope}")
    if body.session_id is not None:
        agent_id = seen(context, body.session_id)["agent_id"]
        return {"agent_id": agent_id, "session_id": body.session_id}
    return {} if body.agent_id is None else {"agent_id": body.agent_id}
