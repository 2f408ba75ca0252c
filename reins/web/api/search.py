"""Search of everything that was said."""

from typing import Annotated, Any, Literal

from pydantic import Field

from reins.web.api.context import api_context
from reins.web.http.fields import Digits, Input, Words
from reins.web.http.openapi import group
from reins.web.http.problem import refusals, unfit
from reins.web.views.rows import Wire
from store.finding.query import MAX_CHARS, QueryError

api = group("search", "search")
_MOST = 200


class SearchQuery(Input):
    q: Annotated[
        Words,
        Field(max_length=MAX_CHARS, description="words, phrases and fields; see the reference"),
    ]
    limit: Annotated[int, Field(ge=1, le=_MOST), Digits] = 20


class Hit(Wire):
    """One text that was found; `number` is that of its row in its log, conversation or document,
    `place` of a document `VERSION:FROM-TO`.
    """

    source: Literal["step", "message", "memory", "session", "chunk"]
    session_id: str | None
    kind: str
    number: int | None
    place: str | None
    actor: str | None
    at: str
    cost_usd: float | None
    text: str
    by: list[Literal["words", "meaning"]]
    score: float


class HitGroup(Wire):
    """The hits of one session, conversation or document."""

    session_id: str | None
    conversation_id: str | None
    document_id: str | None
    agent_id: str | None
    agent_type: str | None
    score: float
    hits: list[Hit]


class SearchAnswer(Wire):
    """The hits, best first; `behind` rows were not searched, since they are in no index
    yet; `by_meaning` is false where it was searched by words alone.
    """

    groups: list[HitGroup]
    behind: int
    by_meaning: bool


@api.get("/api/search", responses={200: SearchAnswer, **refusals(422)})
def search(query: SearchQuery) -> dict[str, Any]:
    """Search all logs, conversations and memories, by words and by meaning."""
    from reins.search.answering import grouped  # noqa: PLC0415 - for those who search
    from reins.search.searching import searcher_of  # noqa: PLC0415

    bridge = api_context().bridge
    try:
        found = searcher_of(bridge.store).search(
            query.q, limit=query.limit, vector=bridge.vector_of
        )
    except QueryError as error:
        raise unfit("query.q", str(error)) from None
    return grouped(found)
