"""Dead letters of all topics, by topic and subscriber, and giving many of them again."""

from collections.abc import Iterable
from typing import Annotated, Any

from flask import Response
from pydantic import Field

import queue_imp
from agent_core.actions.ids import KnownId
from reins.web.api.accepted import MANY_IF_ROOM, accepted_many
from reins.web.api.context import api_context
from reins.web.http.fields import ActorBody, Digits, Input
from reins.web.http.idempotency import KeyHeader
from reins.web.http.openapi import group
from reins.web.http.problem import refusals, unknown
from reins.web.views.rows import Row, Wire
from store import dead_letters
from store.times import iso

api = group("dead-letters", "topics")

_MOST = 1_000


class DeadLettersWaitingQuery(Input):
    letters: Annotated[
        int, Field(ge=0, le=_MOST, description="so many of each cause are named"), Digits
    ] = _MOST


class LetterCause(Wire):
    """What one subscriber could not use of one topic: `count` letters that wait, and the newest's
    reason; `letter_ids` names the oldest of them.
    """

    topic: str
    session_id: str
    agent_id: str
    count: int
    since: str
    newest_at: str
    attempts: int
    error: str
    letter_ids: list[str]


class LetterCauses(Wire):
    """Dead letters that wait, by topic and subscriber, those with the newest letter first."""

    items: list[LetterCause]


class ReplayManyBody(ActorBody):
    letter_ids: Annotated[list[KnownId], Field(min_length=1, max_length=_MOST)]


@api.get("/api/dead-letters", responses={200: LetterCauses})
def list_letter_causes(query: DeadLettersWaitingQuery) -> dict[str, Any]:
    """The dead letters that wait, by topic and subscriber."""
    rows = dead_letters.list_dead_letters(store=api_context().bridge.store)
    causes = [_cause(own, query.letters) for own in _by_cause(rows)]
    return {"items": sorted(causes, key=lambda each: each["newest_at"], reverse=True)}


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


def _by_cause(rows: Iterable[Row]) -> Iterable[list[Row]]:
    """The letters of each topic and subscriber, oldest first."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row["buried_at"], row["number"])):
        found.setdefault((row["topic"], row["session_id"]), []).append(row)
    return found.values()


def _cause(letters: list[Row], most: int) -> dict[str, Any]:
    newest = letters[-1]
    own = ("topic", "session_id", "agent_id", "attempts", "error")
    return {name: newest[name] for name in own} | {
        "count": len(letters),
        "since": iso(letters[0]["buried_at"]),
        "newest_at": iso(newest["buried_at"]),
        "letter_ids": [each["letter_id"] for each in letters[:most]],
    }
