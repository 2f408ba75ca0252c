"""The loops that keep the index: words in a thread, vectors by a task that asks the model."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, Protocol

import structlog

from reins.llm import ModelConfigError, ModelError
from reins.loops import TaskLoop, ThreadLoop
from reins.search.current import current, outdated, outdated_in
from reins.search.deeds import described_after
from reins.search.digests import DigestsDue, digests_of, out_of_date
from reins.search.index import WORDS, Index
from reins.search.novelty import BACK, SPOKEN, Novelty, Told
from reins.search.passages import COLUMNS, FOLLOWED, passages_of, with_types
from reins.search.resting import LOOK_S, Rest
from reins.search.segments import read_note
from reins.search.session_types import Types
from reins.shutdown import STEP_S
from reins.threads import SEARCH
from store import documents
from store.following import Follower
from store.reading import Reader

_logger = structlog.get_logger(__name__)

_FIRST_S = 2.0
"""A start is not held up by it."""
_BATCH = 2_048
_KNOWN = 10_000
"""Texts whose vectors are kept, by their hashes: agents repeat themselves."""
_AWAY_S = 10.0


class Embeddings(Protocol):
    """The model, as far as vectors are asked of it."""

    @property
    def embeddings(self) -> str: ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]: ...


class WordsIndexer(ThreadLoop):
    """Takes each row into the index once it is acknowledged; it writes nothing else.

    `busy` says that the sessions need the machine: then it rests more than it works.
    """

    def __init__(self, store: Reader, busy: Callable[[], bool]) -> None:
        super().__init__("search index", first_delay_s=_FIRST_S)
        self._store = store
        self._rest = Rest(busy)
        self._index = Index(store.folder)
        self._feed: Follower | None = None
        self._types = Types(store)
        self._digests = DigestsDue()
        self._replaced = 0
        self._more = False

    def run_once(self) -> float | None:
        if not self._rest.begin():
            return LOOK_S
        if self._index.is_damaged():
            _logger.warning("the index of the search is damaged, and made anew")
            self._index.remove()
            self._feed = None
        feed = self._feed or self._opened()
        actions, looked = described_after(self._index.actions, self._store)
        more_actions = looked > self._index.actions
        is_due = more_actions or self._digests.are_due() or self._index.has_merged
        if not (feed.touched() or self._more or is_due):
            return LOOK_S
        found, self._more = feed.poll()
        if feed.replaced != self._replaced:  # another folder has taken this one's place
            self._feed = None
            return 0.0
        before = outdated_in(found)
        self._index.take_out(before)
        rows = current(passages_of(found, self._types), before)
        self._index.add(rows + with_types(actions, self._types), feed.position, looked)
        self._digests.note(found)
        if names := self._digests.take():
            guidance = self._index.guidance(names)
            self._index.add(list(digests_of(names, guidance, self._store)), feed.position)
        self._index.keep_up()
        return self._rest.end(more=self._more or more_actions or self._digests.are_due())

    def failed(self, error: Exception) -> float:
        """It begins anew from what was noted; what does not read then is made anew."""
        self._feed = None
        return super().failed(error)

    def finish(self) -> None:
        self._index.close()

    def _opened(self) -> Follower:
        feed = Follower(self._store, FOLLOWED, columns=COLUMNS)
        feed.position = self._index.open()
        self._digests.now(out_of_date(self._index.digests(), self._store))
        self._feed, self._replaced, self._more = feed, feed.replaced, True
        return feed


class VectorsIndexer(TaskLoop):
    """Gives each passage of the index its vector, over the route of embeddings."""

    def __init__(
        self,
        store: Reader,
        model: Embeddings,
        busy: Callable[[], bool],
        novelty: Novelty | None = None,
    ) -> None:
        super().__init__("search vectors", first_delay_s=2 * _FIRST_S)
        self._model = model
        self._rest = Rest(busy)
        self._novelty = novelty
        self._index = Index(store.folder)
        self._store = store
        self._journal = Follower(store, ())
        self._documents_upto = 0
        """Rows of documents up to this number have taken out what they end."""
        self._known: OrderedDict[bytes, Any] = OrderedDict()
        self._known_by = self._route = ""
        self._upto = 0

    async def run_once(self) -> float | None:
        if not self._rest.begin():
            return LOOK_S
        route = self._model.embeddings
        if route != self._known_by:
            self._known.clear()
            self._known_by = route
        if route != self._route:
            self._upto = await SEARCH.call(self._index.open_vectors, route)
            await SEARCH.call(self._look_back)
            self._route, self._documents_upto = route, 0
            self._journal = Follower(self._store, ())
        await SEARCH.call(self._take_out)
        newest = int(read_note(self._index.folder, WORDS).get("serial", 0))
        upto = min(newest, self._upto + _BATCH)
        if upto <= self._upto:
            if newest < self._upto:  # the index was made anew, and its vectors went with it
                self._route = ""
            elif self._index.has_merged_vectors:
                await SEARCH.call(self._index.keep_vectors_up)
            return LOOK_S
        if passages := await SEARCH.call(self._index.passages, self._upto, upto):
            vectors = await self._vectors(passages["text"].to_pylist())
            added = await SEARCH.call(self._index.add_vectors, passages, vectors)
            if self._novelty and (figures := await SEARCH.call(self._novelty.take, added)):
                self._novelty.told(figures)
        await SEARCH.call(self._index.note_vectors, upto)
        self._upto = upto
        await SEARCH.call(self._index.keep_vectors_up)
        return self._rest.end(more=upto < newest)

    def failed(self, error: Exception) -> float:
        """Again from what was noted, where the index may have been made anew."""
        if not isinstance(error, ModelError | ModelConfigError):  # the route is away for now
            self._route = ""
        super().failed(error)
        return _AWAY_S

    async def stop(self) -> None:
        await super().stop()
        self._index.close()

    def _look_back(self) -> None:
        """Begin the novelty with all that sessions have said so far."""
        if self._novelty is not None:
            self._novelty.begin(self._index.newest_vectors(BACK, SPOKEN))

    def _take_out(self) -> None:
        """Vectors of chunks go with them; one that comes late has no words any more, and counts
        for nothing.
        """
        if not self._journal.touched():
            return
        after = f"journal_n > {self._documents_upto}"
        rows = self._store.joined(documents.TABLE, {}, after)
        if rows := [row for row in rows if row["journal_n"] > self._documents_upto]:
            self._index.take_out_vectors(outdated(rows))
            self._documents_upto = rows[-1]["journal_n"]

    async def _vectors(self, texts: Sequence[str]) -> list[Any]:
        keys = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts]
        missing = {
            key: text for key, text in zip(keys, texts, strict=True) if key not in self._known
        }
        if missing:
            found = await self._model.embed(list(missing.values()))
            self._known.update(as_arrays(zip(missing, found, strict=True)))
        vectors = [self._known[key] for key in keys]
        while len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        return vectors


def as_arrays(vectors: Iterable[tuple[bytes, Sequence[float]]]) -> dict[bytes, Any]:
    """One by one: numpy holds the GIL for as long as it reads a list of lists."""
    import numpy as np  # noqa: PLC0415 - for those who have vectors

    return {key: np.asarray(vector, dtype=np.float32) for key, vector in vectors}


class Indexers:
    """The loops, as far as the settings want them. `stop` ends them; a second one does nothing.

    `told` gets how like the newest rows of sessions are to their own past, where vectors say it.
    """

    def __init__(
        self, store: Reader, model: Embeddings, busy: Callable[[], bool], told: Told
    ) -> None:
        self._words = WordsIndexer(store, busy)
        self._vectors = VectorsIndexer(store, model, busy, Novelty(told))

    def start(self, by: Literal["off", "words", "meaning"]) -> None:
        if by != "off":
            self._words.start()
        if by == "meaning":
            self._vectors.start()

    async def stop(self) -> None:
        await self._vectors.stop()
        await asyncio.to_thread(self._words.stop, STEP_S)
