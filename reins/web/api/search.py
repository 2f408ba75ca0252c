"""Search of everything that was said."""

from typing import Annotated, Any, Literal

from pydantic import Field

from agent_core.actions.ids import MAX_ID_CHARS
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
    ] = ""
    like: Annotated[
        Words,
        Field(max_length=MAX_ID_CHARS + 17, description="rows like this one, as in finn:412"),
    ] = ""
    limit: Annotated[int, Field(ge=1, le=_MOST), Digits] = 20
    around: Annotated[
        int, Field(ge=0, le=5, description="rows on each side of a hit that come with it"), Digits
    ] = 0


class Nearby(Wire):
    """A row beside a hit."""

    number: int
    kind: str
    actor: str | None
    at: str
    text: str


class Hit(Wire):
    """One text that was found; `number` is that of its row in its log, conversation or document,
    `place` of a document `VERSION:FROM-TO`, `nearby` the rows before and after it, if they were
    asked for.
    """

    source: Literal["step", "message", "memory", "session", "action", "chunk"]
    session_id: str | None
    conversation_id: str | None
    kind: str
    number: int | None
    document_id: str | None
    place: str | None
    actor: str | None
    at: str
    cost_usd: float | None
    action_id: str | None
    text: str
    by: list[Literal["words", "meaning"]]
    score: float
    nearby: list[Nearby]


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
    yet; `by_meaning` is false where it was searched by words alone, `indexed` where there is no
    index.
    """

    groups: list[HitGroup]
    behind: int
    by_meaning: bool
    indexed: bool


@api.get("/api/search", responses={200: SearchAnswer, **refusals(422)})
def search(query: SearchQuery) -> dict[str, Any]:
    """Search all sessions, logs, conversations, memories and actions, by words and by meaning."""
    from reins.search.answering import grouped  # noqa: PLC0415 - for those who search

    return grouped(found_for(query), around=query.around, store=api_context().bridge.store)


def found_for(query: SearchQuery) -> Any:
    """The hits of a request. Raises: RequestRefusedError."""
    from reins.search.searching import searcher_of  # noqa: PLC0415 - for those who search

    bridge = api_context().bridge
    try:
        return searcher_of(bridge.store).search(
            query.q, limit=query.limit, like=query.like or None, vector=bridge.vector_of
        )
    except QueryError as error:
        where = "query.like" if str(error).startswith("like ") else "query.q"
        raise unfit(where, str(error)) from None
