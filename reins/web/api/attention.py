"""Attention: what needs a person now, by cause."""

from typing import Annotated, Any, Literal

from pydantic import Field

from agent_core.session.concerns import Concern, Concerned, concerns_of
from agent_core.session.mood import ConcernKind
from reins.bus.dead import DeadCause, dead_causes
from reins.web.api.context import api_context
from reins.web.http.fields import Digits, Input
from reins.web.http.openapi import group
from reins.web.views.rows import Wire
from store.times import iso

api = group("attention", "sessions")


class AttentionQuery(Input):
    sessions: Annotated[
        int,
        Field(ge=0, le=5_000, description="so many sessions of each cause are named"),
        Digits,
    ] = 1_000


class ConcernedSession(Wire):
    """One session of a cause; `error` is its newest, or what it waits for."""

    session_id: str
    agent_id: str
    since: str | None
    error: str | None


class ConcernNow(Wire):
    """A cause, and whom it concerns: `count` sessions, the earliest of them by name.

    `route`: the models' route at fault. `raise_to`: a limit with room for a useful while for each
    of them, where a budget holds them. Of one `key` there may be several kinds: of one fault some
    sessions try again, others have given up.
    """

    kind: ConcernKind
    key: str
    text: str
    since: str | None
    count: int
    route: str | None
    raise_to: float | None
    sessions: list[ConcernedSession]


class DeadNow(Wire):
    """Messages of a topic that one subscriber could not use, and that wait: `letter_ids`, the
    oldest first. `POST /api/dead-letters/replay` gives them again.
    """

    kind: Literal["dead"]
    key: str
    text: str
    since: str
    count: int
    topic: str
    session_id: str
    agent_id: str
    error: str
    act: Literal["replay"]
    letter_ids: list[str]


class AttentionNow(Wire):
    """Causes, the most urgent first; dead letters by topic and subscriber; and how many sessions
    there are of each mood.
    """

    items: list[ConcernNow]
    dead: list[DeadNow]
    moods: dict[str, int]


@api.get("/api/attention", responses={200: AttentionNow})
def get_attention(query: AttentionQuery) -> dict[str, Any]:
    """Everything that needs a person now, by cause."""
    context = api_context()
    index = context.current()
    concerns = concerns_of(index.concerned())
    dead = dead_causes(store=context.bridge.store)
    return {
        "items": [_concern_row(each, query.sessions) for each in concerns],
        "dead": [dead_row(each, query.sessions) for each in dead],
        "moods": index.counts("mood"),
    }


def dead_row(cause: DeadCause, most: int) -> dict[str, Any]:
    """In the shape of `DeadNow`, with `most` of its letters."""
    return {**cause.row(), "letter_ids": [*cause.letter_ids[:most]]}


def _concern_row(concern: Concern, most: int) -> dict[str, Any]:
    return {**concern.row(), "sessions": [_session_row(each) for each in concern.sessions[:most]]}


def _session_row(each: Concerned) -> dict[str, Any]:
    return {
        "session_id": each.session_id,
        "agent_id": each.agent_id,
        "since": iso(each.cause.since),
        "error": each.error,
    }
