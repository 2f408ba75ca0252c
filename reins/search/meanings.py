"""How like texts are in meaning, for whoever ranks a few thousand of them by it."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import structlog

from reins.llm import ModelConfigError, ModelError
from reins.search.index import VECTORS, WORDS
from reins.search.indexer import Embeddings, as_arrays
from reins.search.passages import in_one_form
from reins.search.segments import Part
from reins.threads import SEARCH
from store.lance.tables import quoted
from store.reading import Reader

_logger = structlog.get_logger(__name__)

_KNOWN = 8_192
"""Texts whose vectors are kept, by their hashes."""
_WAIT_S = 3.0
"""A thought waits no longer for it; the built-in embeddings take 1.3 s to load, once."""
_AWAY_S = 30.0
_ASKED_BYTES = 64 * 1024
"""Of texts that are looked up in the index by one query."""


class Meanings:
    """Compares texts by their vectors: of the index where it has them, else made now.

    What blocks is done in a thread of its own, and nobody waits for more than 3 s.
    """

    def __init__(self, store: Reader, model: Embeddings) -> None:
        folder = store.folder.path / "search"
        self._words, self._vectors_there = Part(folder, WORDS), Part(folder, VECTORS)
        self._model = model
        self._lock = asyncio.Lock()
        self._known: OrderedDict[bytes, Any] = OrderedDict()
        self._route = ""
        self._away: tuple[float, str] | None = None

    async def likeness(
        self, asked: Sequence[str], texts: Sequence[str]
    ) -> Sequence[Sequence[float]] | str:
        """The cosine of each text with each that is asked for; or the reason why nobody knows.

        Shapes: a row for each that is asked for, with a number for each text.
        """
        if self._away is not None and time.monotonic() < self._away[0]:
            return self._away[1]
        try:
            async with asyncio.timeout(_WAIT_S):
                vectors = await self._vectors([*map(in_one_form, (*asked, *texts))])
                return await SEARCH.call(_cosines, vectors, len(asked))
        except TimeoutError:
            why = f"the embeddings did not answer within {_WAIT_S:g} s"
        except (ModelError, ModelConfigError, ValueError) as error:
            why = f"the embeddings do not answer: {error}"[:300]
        _logger.warning("memories are recalled by words alone", why=why)
        self._away = time.monotonic() + _AWAY_S, why
        return why

    async def _vectors(self, texts: Sequence[str]) -> list[Any]:
        async with self._lock:  # many sessions ask for the same at once
            if self._route != self._model.embeddings:
                self._known.clear()
                self._route = self._model.embeddings
            keys = await SEARCH.call(lambda: [*map(_key, texts)])
            missing = {
                key: text for key, text in zip(keys, texts, strict=True) if key not in self._known
            }
            for part in _parts(missing):
                found = await SEARCH.call(self._indexed, part)
                self._known.update(found)
            left = [(key, text) for key, text in missing.items() if key not in self._known]
            if left:
                made = await self._model.embed([text for _, text in left])
                named = zip((key for key, _ in left), made, strict=True)
                self._known.update(await SEARCH.call(as_arrays, [*named]))
            vectors = [self._known[key] for key in keys]
            for key in keys:
                self._known.move_to_end(key)
            while len(self._known) > _KNOWN:
                self._known.popitem(last=False)
            return vectors

    def _indexed(self, part: Sequence[tuple[bytes, str]]) -> dict[bytes, Any]:
        """The vectors of memories that the index has; of another route's none."""
        if self._vectors_there.note().get("route") != self._route:
            return {}
        try:
            texts = {text: key for key, text in part}
            where = f"source = 'memory' AND text IN ({', '.join(map(quoted, texts))})"
            named = {row["n"]: row["text"] for row in _read(self._words, where, ["n", "text"])}
            if not named:
                return {}
            where = f"n IN ({', '.join(map(str, named))})"
            found = _read(self._vectors_there, where, ["n", "vec"])
            return as_arrays([(texts[named[row["n"]]], row["vec"]) for row in found])
        except (RuntimeError, OSError, ValueError) as error:  # it is being made anew
            _logger.info("the index gave no vectors of memories", why=str(error)[:200])
            return {}


def _read(part: Part, where: str, columns: list[str]) -> list[dict[str, Any]]:
    async def ask(table: Any) -> list[dict[str, Any]]:
        return list(await table.query().where(where).select(columns).to_list())

    return part.each(ask)


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()


def _parts(missing: dict[bytes, str]) -> Iterator[list[tuple[bytes, str]]]:
    part: list[tuple[bytes, str]] = []
    size = 0
    for key, text in missing.items():
        if part and size + len(text) > _ASKED_BYTES:
            yield part
            part, size = [], 0
        part.append((key, text))
        size += len(text)
    if part:
        yield part


def _cosines(vectors: Sequence[Any], asked: int) -> list[list[float]]:
    import numpy as np  # noqa: PLC0415 - for those who compare

    every = np.stack(vectors)
    lengths = np.linalg.norm(every, axis=1, keepdims=True)
    plain = every / np.where(lengths == 0, 1, lengths)
    found: list[list[float]] = (plain[:asked] @ plain[asked:].T).tolist()
    return found
