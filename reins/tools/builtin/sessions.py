"""Search of all sessions: what was said and done elsewhere, as material."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from reins.tools.context import Context
from reins.tools.declaring import tool
from reins.tools.outcome import ToolError, bounded

_CHARS = 300
"""Of one text."""
_SHOWN_BYTES = 16 << 10


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None, brings_in=True, timeout_s=20)
async def search(
    context: Context,
    query: Annotated[
        str,
        Field(
            max_length=1_000,
            description='words, "a phrase", and fields: agent:, session:, type:, conversation:, '
            "by:, kind:said, source:session, since:24h; a minus before a part turns it round",
        ),
    ] = "",
    like: Annotated[
        str, Field(max_length=300, description="rows like this one, as finn:412; then fields alone")
    ] = "",
    around: Annotated[int, Field(ge=0, le=5, description="rows before and after each hit")] = 0,
    limit: Annotated[int, Field(ge=1, le=50)] = 10,
) -> str:
    """Search what other sessions, conversations and people have said and done; best first."""
    if context.search is None:
        raise ToolError("there is no search here; sessions have it")
    if not (query.strip() or like):
        raise ToolError('give words to search for, fields such as "kind:said", or like')
    found = await context.search.search(query, like or None, around=around, limit=limit)
    lines = [line for group in found["groups"] for line in _lines(group)]
    if behind := found["behind"]:
        lines.append(f"[{behind} newer rows were not searched]")
    return bounded("\n".join(lines), _SHOWN_BYTES) if lines else "[nothing was found]"


def _lines(group: Mapping[str, Any]) -> Iterator[str]:
    """A group's name, then a line a row; those beside a hit are further in."""
    if group["conversation_id"]:
        yield f"conversation {group['conversation_id']}"
    elif group["session_id"]:
        kind = f" ({group['agent_type']})" if group["agent_type"] else ""
        yield f"session {group['session_id']}{kind}"
    elif group["document_id"]:
        yield f"document {group['document_id']}; read it with read_document"
    else:
        yield "of no session"
    for hit in group["hits"]:
        beside = hit["nearby"]
        before = sum(each["number"] < (hit["number"] or 0) for each in beside)
        yield from (f"    {_line(each)}" for each in beside[:before])
        yield f"  {_line(hit)}"
        yield from (f"    {_line(each)}" for each in beside[before:])


def _line(row: Mapping[str, Any]) -> str:
    number = "" if row["number"] is None else f"#{row['number']} "
    actor = f" by {row['actor']}" if row["actor"] else ""
    text = " ".join(row["text"].split())
    shown = text if len(text) <= _CHARS else f"{text[: _CHARS - 1]}…"
    return f"{number}{row['at'][:19]} {row['kind']}{actor}: {shown}"
