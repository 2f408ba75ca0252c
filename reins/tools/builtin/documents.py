"""Documents that people and agents have added: find passages, read them, cite them exactly."""

from typing import Annotated

from pydantic import Field

from reins.tools.context import Context, Documents, Passage
from reins.tools.declaring import tool
from reins.tools.outcome import ToolError
from reins.tools.web.marking import from_outside

_Id = Annotated[str, Field(min_length=1, max_length=100, description="doc_ and twelve digits")]
_Version = Annotated[int | None, Field(ge=1, description="none: the newest")]
_HOW = 'Cite as "words" [ID:VERSION:FROM-TO]; cite_document gives the exact place of words.'


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None, brings_in=True)
async def search_documents(
    context: Context,
    query: Annotated[str, Field(min_length=1, max_length=500, description="words, or a question")],
    document_id: Annotated[
        str | None, Field(max_length=100, description="only in this one")
    ] = None,
    most: Annotated[int, Field(ge=1, le=10)] = 5,
) -> str:
    """Find passages of documents by words and by meaning, each with its place."""
    found = await _documents(context).search(query, document_id, most)
    if not found:
        return f"nothing was found for {query!r}"
    told = "\n\n".join(map(_told, found))
    return f"{from_outside(told)}\n{_HOW}"


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None, brings_in=True)
async def read_document(
    context: Context,
    document_id: _Id,
    from_char: Annotated[int, Field(ge=0, description="where to begin")] = 0,
    to_char: Annotated[int | None, Field(ge=1, description="none: 6,000 further")] = None,
    version: _Version = None,
) -> str:
    """Read a document, or a part of it from one character to another."""
    found = await _documents(context).read(document_id, version, from_char, to_char)
    left = found.chars - found.to_char
    more = f"{left} characters follow; go on with from_char {found.to_char}" if left else "its end"
    return f"{from_outside(_told(found))}\n{more}. {_HOW}"


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None)
async def cite_document(
    context: Context,
    document_id: _Id,
    quote: Annotated[str, Field(min_length=3, max_length=1_000, description="word for word")],
    version: _Version = None,
) -> str:
    """Give the exact place of words that stand in a document, as a citation has it."""
    place = await _documents(context).cite(document_id, version, quote)
    return f"the words stand there; cite them as: [{place}]"


@tool(risk="medium", idempotent=True, attempts=1, breaker_failures=None, brings_in=True)
async def add_document(
    context: Context,
    source: Annotated[
        str, Field(min_length=1, max_length=2_000, description="an address, or a name of the text")
    ],
    text: Annotated[
        str | None, Field(max_length=100_000, description="none: what is at the address")
    ] = None,
    title: Annotated[str | None, Field(max_length=300)] = None,
) -> str:
    """Store a text, or what is at an address, for all agents and people to find and cite."""
    stored = await _documents(context).add(source, text, title)
    place, _, _ = stored.place.rpartition(":")
    return f"stored as {place}, with {stored.chars} characters\n{from_outside(stored.title)}"


def _told(passage: Passage) -> str:
    return f"[{passage.place}] {passage.title}\n{passage.text}"


def _documents(context: Context) -> Documents:
    if context.documents is None:
        raise ToolError("there are no documents here; sessions have them")
    return context.documents
