"""`search`: what any process asks of the index of its data folder."""

import asyncio
from collections.abc import Sequence
from typing import Any

from reins.llm import ModelConfigError, ModelError, ModelRouter
from reins.llm.embeddings.embedder import batches
from reins.llm.embeddings.wordllama import WordEmbedder
from reins.llm.from_settings import model_settings
from reins.llm.routes.models_file import WORDS
from reins.search.answering import grouped
from reins.search.nearby import MOST
from reins.search.searching import searcher_of
from reins.settings import current_settings
from store.finding.query import QueryError
from store.reading import Reader, reader

_BUILT_IN = f"{WORDS} {WordEmbedder.MODEL}"


def search(
    query: str,
    *,
    limit: int = 20,
    around: int = 0,
    like: str | None = None,
    store: Reader | None = None,
) -> dict[str, Any]:
    """Search all logs, conversations and memories; see `Search of everything` in the reference.

    Shapes: `groups` of `hits`, best first, with `behind`, `by_meaning` and `indexed`. Raises:
    QueryError.
    """
    reading = store or reader()
    found = searcher_of(reading).search(query, limit=limit, like=like, vector=vector_of)
    return grouped(found, around=around_checked(around), store=reading)


def around_checked(around: int) -> int:
    """Rows on each side of a hit. Raises: QueryError."""
    if not 0 <= around <= MOST:
        raise QueryError(f"around is {around}; expected 0 to {MOST} rows on each side of a hit")
    return around


def vector_of(text: str, route: str) -> Sequence[float] | None:
    """The query's vector by the embeddings that this process's settings name; None if the index has
    others, or they do not answer.
    """
    try:
        return asyncio.run(_asked(text, route))
    except (ModelError, ModelConfigError):
        return None


async def _asked(text: str, route: str) -> Sequence[float] | None:
    if route == _BUILT_IN:  # without opening the routes of all models for it
        words = WordEmbedder()
        try:
            (part,) = batches([text])
            return (await words.embed(part)).vectors[0]
        finally:
            await words.stop()
    model = ModelRouter(model_settings(current_settings()))
    try:
        await model.start()
        return (await model.embed([text]))[0] if model.embeddings == route else None
    finally:
        await model.stop()
