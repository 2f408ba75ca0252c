"""`search`: what any process asks of the index of its data folder."""

import asyncio
from collections.abc import Sequence
from typing import Any

from reins.llm import ModelConfigError, ModelError, ModelRouter
from reins.llm.from_settings import model_settings
from reins.search.answering import grouped
from reins.search.searching import searcher_of
from reins.settings import current_settings
from store.reading import Reader, reader


def search(query: str, *, limit: int = 20, store: Reader | None = None) -> dict[str, Any]:
    """Search all logs, conversations and memories; see `Search of everything` in the reference.

    Shapes: `groups` of `hits`, best first, with `behind` and `by_meaning`. Raises: QueryError.
    """
    return grouped(searcher_of(store or reader()).search(query, limit=limit, vector=vector_of))


def vector_of(text: str, route: str) -> Sequence[float] | None:
    """The query's vector by the embeddings that this process's settings name; None if the index has
    others, or they do not answer.
    """
    try:
        return asyncio.run(_asked(text, route))
    except (ModelError, ModelConfigError):
        return None


async def _asked(text: str, route: str) -> Sequence[float] | None:
    model = ModelRouter(model_settings(current_settings()))
    try:
        await model.start()
        return (await model.embed([text]))[0] if model.embeddings == route else None
    finally:
        await model.stop()
