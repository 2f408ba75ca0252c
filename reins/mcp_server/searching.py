"""The tool that searches everything that was said."""

from typing import Any

from pydantic import Field

from reins.mcp_server.errors import RefusedError
from reins.mcp_server.looking import MATERIAL, within
from reins.mcp_server.tool import Arguments, Call, ServedTool
from store.finding.query import MAX_CHARS, QueryError


class Search(Arguments):
    query: str = Field(
        "",
        max_length=MAX_CHARS,
        description='words, "a phrase", and fields: session:, agent:, type:, conversation:, by:, '
        "kind:said, source:message, since:24h, until:, cost>0.01; a minus before a part turns it "
        "round; without words the newest come",
    )
    like: str = Field(
        "", description="rows like this one, as in finn:412; the query then has fields alone"
    )
    around: int = Field(0, ge=0, le=5, description="rows before and after each hit to show")
    limit: int = Field(20, ge=1, le=100)


def _search(call: Call) -> dict[str, Any]:
    from reins.search.answering import grouped  # noqa: PLC0415 - for those who search
    from reins.search.searching import searcher_of  # noqa: PLC0415

    given: Search = call.arguments
    store = call.desk.store
    try:
        found = searcher_of(store).search(
            given.query, limit=given.limit, like=given.like or None, vector=call.desk.vector_of
        )
    except QueryError as error:
        raise RefusedError(str(error)) from None
    answer = grouped(found, around=given.around, store=store)
    shown = within(answer["groups"])
    return {**answer, "groups": shown, "more": len(shown) < len(answer["groups"])}


SEARCHING = (
    ServedTool(
        "search",
        "Search everything that was said",
        "Search all sessions, logs, conversations, memories and actions, by words and, where there "
        "is an index of meaning, by meaning. Hits come by session or conversation, the best first; "
        f"number is that of the row for read_log or read_conversation. {MATERIAL}",
        Search,
        _search,
        reads=True,
    ),
)
