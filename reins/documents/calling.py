"""Documents as calls of tools have them: passages with their places, and exact citations."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from agent_core.actions.documents import checked_source, is_address
from agent_core.actions.ids import ActionError
from reins.documents.citing import Citation, place_of
from reins.documents.documents import DocumentError, Documents, Draft
from reins.threads import READS
from reins.tools.context import Passage
from reins.tools.outcome import ToolError
from store import chunks, documents
from store.errors import StoreError
from store.finding.query import QueryError
from store.reading import Reader

_VECTOR_S = 2.0
_READ_CHARS = 6_000
_Row = dict[str, Any]


class Embeddings(Protocol):
    """The model, as far as a search asks for vectors."""

    @property
    def embeddings(self) -> str: ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]: ...


class CallDocuments:
    """See `reins.tools.context.Documents`. The parts are asked for at their first use; `key` is
    that of the call, `actor` and the ids those of its session.
    """

    def __init__(
        self,
        store: Callable[[], Reader],
        model: Callable[[], Embeddings],
        adding: Callable[[], Documents],
        *,
        session_id: str,
        agent_id: str,
        key: str,
    ) -> None:
        self._store, self._model, self._adding = store, model, adding
        self._session_id, self._agent_id, self._key = session_id, agent_id, key

    async def search(self, query: str, document_id: str | None, most: int) -> list[Passage]:
        within = "source:chunk"
        if document_id is not None:
            within = f"document:{(await self._row(document_id, None))['document_id']}"
        loop = asyncio.get_running_loop()
        vector = partial(self._vector, loop)
        try:
            return await READS.call(_found, self._store(), f"{within} {query}", most, vector)
        except QueryError as error:
            raise ToolError(str(error)) from None

    async def read(
        self, document_id: str, version: int | None, from_char: int, to_char: int | None
    ) -> Passage:
        row = await self._row(document_id, version)
        begins = min(from_char, row["chars"])
        ends = min(begins + _READ_CHARS, row["chars"], row["chars"] if to_char is None else to_char)
        return await READS.call(_passage, self._store(), row, begins, max(begins, ends))

    async def cite(self, document_id: str, version: int | None, quote: str) -> str:
        row = await self._row(document_id, version)
        own, version, store = row["document_id"], int(row["version"]), self._store()
        text = await READS.call(chunks.text_of, own, version, store=store)
        place = await READS.call(place_of, quote, text)
        if place is None:
            raise ToolError(
                f"these words do not stand in version {version} of {own}; read it, and quote it "
                "word for word"
            )
        return Citation(own, version, *place).place

    async def add(self, source: str, text: str | None, title: str | None) -> Passage:
        try:
            checked_source(source)
        except ActionError as error:
            raise ToolError(str(error)) from None
        if text is None and not is_address(source):
            raise ToolError("give text, or an address (http://, https://) as source")
        draft = Draft(
            source, self._session_id, self._key, agent_id=self._agent_id, title=title,
            session_id=self._session_id, data=None if text is None else text.encode(),
            media_type="" if text is None else "text/markdown",
            charset=None if text is None else "utf-8", elsewhere=False,
        )  # fmt: skip
        try:
            stored = await self._adding().add(draft)
        except (DocumentError, StoreError) as error:
            raise ToolError(str(error)) from None
        return await self.read(stored.document_id, stored.version, 0, 0)

    def _vector(
        self, loop: asyncio.AbstractEventLoop, text: str, route: str
    ) -> Sequence[float] | None:
        """In a thread: the text's vector, where the index has those of the model's route."""
        model = self._model()
        if getattr(model, "embeddings", None) != route:
            return None
        asking = asyncio.run_coroutine_threadsafe(model.embed([text]), loop)
        try:
            return asking.result(_VECTOR_S)[0]
        except Exception:  # noqa: BLE001 - the words find something, whatever the route has
            asking.cancel()
            return None

    async def _row(self, document_id: str, version: int | None) -> _Row:
        """Raises: ToolError."""
        own = document_id.strip().strip("[]").partition(":")[0]
        row = await READS.call(documents.get_document, own, version, store=self._store())
        if row is None:
            which = "document" if version is None else f"version {version} of document"
            raise ToolError(f"there is no {which} {own!r:.80}; search_documents names those")
        return row


def _found(
    store: Reader,
    query: str,
    most: int,
    vector: Callable[[str, str], Sequence[float] | None],
) -> list[Passage]:
    from reins.search.searching import searcher_of  # noqa: PLC0415 - for those who search

    found = searcher_of(store).search(query, limit=most, vector=vector)
    passages = []
    for hit in found.hits:
        version, _, place = str(hit.row["place"]).partition(":")
        begins, _, ends = place.partition("-")
        row = documents.get_document(hit.row["document_id"], int(version), store=store)
        if row is not None:
            passages.append(_passage(store, row, int(begins), int(ends)))
    return passages


def _passage(store: Reader, row: _Row, begins: int, ends: int) -> Passage:
    own, version = str(row["document_id"]), int(row["version"])
    text = chunks.text_of(own, version, begins, ends, store=store) if begins < ends else ""
    place = Citation(own, version, begins, ends).place
    return Passage(place, str(row["title"]), text, ends, int(row["chars"]))
