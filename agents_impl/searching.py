"""The search of all sessions as tools have it: what cannot be asked is told as a tool's error."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from reins.llm import Model, ModelConfigError, ModelError
from reins.tools.outcome import ToolError
from reins.tools.threads import in_thread
from store.finding.query import QueryError
from store.reading import Reader

_VECTOR_S = 5.0
"""Seconds for the query's own vector; without it words alone are searched."""


class ToolSearch:
    """See `reins.tools.context.Search`."""

    def __init__(self, store: Callable[[], Reader], model: Model, session_id: str) -> None:
        """`session_id`: the session that asks, whose own rows hold each of its questions."""
        self._store = store
        self._model = model
        self._session_id = session_id

    async def search(
        self, query: str, like: str | None, *, around: int, limit: int
    ) -> dict[str, Any]:
        loop = asyncio.get_running_loop()

        def vector(text: str, route: str) -> Sequence[float] | None:
            """Called in the thread that searches; the loop is free meanwhile."""
            try:
                if self._model.embeddings != route:
                    return None
                asking = asyncio.run_coroutine_threadsafe(self._model.embed([text]), loop)
            except ModelConfigError:
                return None
            try:
                return asking.result(_VECTOR_S)[0]
            except (ModelError, ModelConfigError, TimeoutError):
                asking.cancel()
                return None

        def searched() -> dict[str, Any]:
            from reins.search.answering import grouped  # noqa: PLC0415 - for those who search
            from reins.search.searching import searcher_of  # noqa: PLC0415

            store = self._store()
            found = searcher_of(store).search(
                query, limit=limit, like=like, but=self._session_id, vector=vector
            )
            return grouped(found, around=around, store=store)

        try:
            return await in_thread(searched)
        except QueryError as error:
            raise ToolError(str(error)) from None
