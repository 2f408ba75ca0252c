"""Dead letters of all topics, by topic and subscriber, and giving many of them again."""

from typing import Annotated, Any

from flask import Response
from pydantic import Field

import queue_imp
from agent_core.actions.ids import KnownId
from reins.bus.dead import dead_causes
from reins.web.api.accepted import MANY_IF_ROOM, accepted_many
from reins.web.api.attention import DeadNow, dead_row
from reins.web.api.context import api_context
from reins.web.http.fields import ActorBody, Digits, Input
from reins.web.http.idempotency import KeyHeader
from reins.web.http.openapi import group
from reins.web.http.problem import refusals, unknown
from reins.web.views.rows import Wire
from store import dead_letters

api = group("dead-letters", "topics")

_MOST = 1_000


class DeadCausesQuery(Input):
    letters: Annotated[
        int, Field(ge=0, le=_MOST, description="so many of each cause are named"), Digits
    ] = _MOST


class DeadCauses(Wire):
    """Dead letters that wait, by topic and subscriber, the largest cause first."""

    items: list[DeadNow]


class ReplayManyBody(ActorBody):
    letter_ids: Annotated[list[KnownId], Field(min_length=1, max_length=_MOST)]


@api.get("/api/dead-letters", responses={200: DeadCauses})
def list_dead_causes(query: DeadCausesQuery) -> dict[str, Any]:
    """The dead letters that wait, by topic and subscriber: the part `dead` of /api/attention."""
    causes = dead_causes(store=api_context().bridge.store)
    return {"items": [dead_row(each, query.letters) for each in causes]}


@api.post(
    "/api/dead-letters/replay", responses={**MANY_IF_ROOM, **refusals(400, 404, 409, 413, 415)}
)
def replay_dead_letters(header: KeyHeader, body: ReplayManyBody) -> Response:
    """Give each of the messages to its subscriber again: an action a letter, in this order."""
    context = api_context()

    def make() -> list[dict[str, Any]]:
        known = dead_letters.list_dead_letters(replayed=True, store=context.bridge.store)
        there = {row["letter_id"] for row in known}
        for each in body.letter_ids:
            if each not in there:
                raise unknown("dead letter", each, "see GET /api/dead-letters")
        return [
            queue_imp.create_action("dead_letter_replay", body.actor, letter_id=each)
            for each in body.letter_ids
        ]

    return accepted_many(context, header, make, len(body.letter_ids))
