"""Searching: by words, by meaning, and among the rows that are not in the index yet."""

import contextlib
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.compute as pc
import structlog
from lancedb.query import BooleanQuery, FullTextQuery, MatchQuery, Occur, PhraseQuery

from reins.search.behind import scanned, tail
from reins.search.current import is_current
from reins.search.index import DAMAGED, VECTORS, WORDS
from reins.search.likeness import Like, row_named
from reins.search.matching import fitting
from reins.search.passages import SCHEMA
from reins.search.query import Query, but_for, contains, read
from reins.search.segments import Part
from reins.search.session_types import Types
from reins.settings import current_settings
from reins.threads import SEGMENTS
from store.finding.query import QueryError
from store.lance.faults import system_error
from store.lance.tables import read_all_async
from store.reading import Reader

_logger = structlog.get_logger(__name__)

T = TypeVar("T")
Row = dict[str, Any]
Vector = Sequence[float]
MOST = 200
"""Hits of one search."""
_RANKED = 50
"""Hits of each way of searching that are put in one order, or as many as are asked for."""
_BARE = ("n", "document_id")
"""What an order is made of; the texts of those at its head are read then."""
_RRF = 10
"""Cormack et al., SIGIR 2009: a hit's score is the sum of 1 / (10 + its place) over the ways. With
their 60 a text in the middle of both orders goes before the first of one (`bench quality`).
"""
_BUILT_IN = "l2_supercat_256"
_BUILT_IN_WEIGHT = 0.7
"""Of a place by meaning where the embeddings are the built-in ones, which know less than words do
of what is asked in the words of the text; those of a route count in full.
"""
_NPROBES = 20
"""Of 129 parts at a million rows, of which they find 90 of a hundred nearest; reading the whole
vectors of a hundred to rank them again would find 93, and take half as long again.
"""
LEAST_ALIKE = {"l2_supercat_256": 0.15}
"""By models of embeddings: the cosine below which a text is no hit. Nothing separates what belongs
together; this is as much as costs no right one. Of other models nobody has measured it.
"""


@dataclass(frozen=True, slots=True)
class Hit:
    """One passage that was found. `by` says how: `words`, `meaning`, or both."""

    row: Row
    score: float
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The hits, the best first. `behind` is how many rows are in no index yet and were not looked
    through; `by_meaning` is false where there are no vectors, or none of the query; `indexed` is
    false where there is no index at all. `words` are those that were asked for.
    """

    hits: Sequence[Hit]
    behind: int
    by_meaning: bool
    indexed: bool
    words: Sequence[str] = ()


class Searcher:
    """Searches one data folder; from any process, beside whoever writes the index."""

    def __init__(self, store: Reader) -> None:
        self._store = store
        self._folder = store.folder.path / "search"
        self._words, self._vectors = _parts(self._folder, current_settings().search_mb << 20)
        self._types = Types(store)

    def search(
        self,
        text: str,
        *,
        limit: int = 20,
        like: str | None = None,
        but: str | None = None,
        vector: Callable[[str, str], Vector | None] = lambda _text, _route: None,
        now: datetime | None = None,
    ) -> Found:
        """`vector` gives the query's own by the index's route; it is asked where there are words.

        With `like`, such as `finn:412`, rows like that one: by its meaning, or by its words where
        there are no vectors. `but` names a session that is left out. Raises: QueryError.
        """
        query = read(text, now or datetime.now(UTC))
        query = query if but is None else but_for(but, query)
        limit = max(1, min(limit, MOST))
        if like is not None:
            return self._like(query, limit, row_named(like, self._store), vector)
        return self._search(query, limit, lambda: self._meant(query, vector))

    def _like(
        self, query: Query, limit: int, like: Like, vector: Callable[[str, str], Vector | None]
    ) -> Found:
        if query.text:
            raise QueryError(
                f"rows like another are filtered, and not searched for {query.text!r:.40} as well; "
                "give fields alone, as in kind:said since:24h"
            )
        own = self._tried(lambda: self._own_vector(like, vector), self._vectors)
        if own:
            hits = self._tried(self._by_meaning(query, own, limit), self._vectors) or []
            ranked = _in_one_order({"meaning": hits}, limit + 1, newest_first=False)
            found = Found(self._whole(ranked), 0, by_meaning=True, indexed=True)
        else:
            found = self._search(replace(query, words=like.words), limit + 1, lambda: None)
        others = [hit for hit in found.hits if hit.row["n"] != like.n]
        return replace(found, hits=others[:limit])

    def _search(self, query: Query, limit: int, meant: Callable[[], Vector | None]) -> Found:
        # The note first: what comes into the index meanwhile is seen twice, and never missed.
        note = self._words.note()
        upto, actions = (int(note.get(name, 0)) for name in ("upto", "actions"))
        asked = self._by_words(query, limit)
        newest = SEGMENTS.begin(tail, self._store, self._types, upto=upto, actions=actions)
        own = meant()
        near = self._by_meaning(query, own, limit) if own else None
        by_words = self._tried(asked, self._words)
        new, behind, before = newest.result()
        if by_words is None:  # the index does not read: all rows are new
            upto = 0
            new, behind, before = tail(self._store, self._types, upto=upto, actions=0)
        ranked = {"words": by_words or [], "new": fitting(new, query, limit)}
        if behind:
            ranked["scanned"] = scanned(
                query, limit, upto, before=before, store=self._store, types=self._types
            )
        by_meaning = near and self._tried(near, self._vectors)
        if by_meaning:
            ranked["meaning"] = self._near_enough(by_meaning)
        for way, rows in ranked.items():  # what the index has not taken out yet
            ranked[way] = [row for row in rows if is_current(row["document_id"], row["n"], before)]
        hits = _in_one_order(
            ranked, limit, newest_first=not query.text, meaning=self._weight_of_meaning()
        )
        # Without the words' index nobody has the texts of what was found by meaning.
        has_text = [hit for hit in hits if "text" in hit.row]
        whole = has_text if by_words is None else self._whole(hits)
        words = (*query.words, *query.phrases)
        return Found(whole, behind, by_meaning is not None, self._words.exists(), words)

    # -- ways of searching: each begins to look, and what it returns waits for what it found

    def _by_words(self, query: Query, limit: int) -> Callable[[], list[Row]]:
        asked = full_text(query)
        if asked is None:
            return self._newest(query, limit)
        ranked = max(limit, _RANKED)

        async def ask(table: Any) -> list[Row]:
            search = table.query().nearest_to_text(asked).select([*_BARE, "_score"])
            rows = search.where(query.where) if query.where else search
            return list(await rows.limit(ranked).to_list())

        answer = self._words.asked(ask)
        return lambda: sorted(answer(), key=lambda row: -float(row["_score"]))[:ranked]

    def _newest(self, query: Query, limit: int) -> Callable[[], list[Row]]:
        """The newest passages that fit the filters, where nothing is asked for in words."""
        where = without(query) or "true"
        order = [("at", "descending"), ("n", "descending")]

        async def ask(table: Any) -> list[Row]:
            found = await read_all_async(table.query().select([*_BARE, "at"]).where(where))
            return list(found.take(pc.select_k_unstable(found, limit, order)).to_pylist())

        answer = self._words.asked(ask)
        newest = lambda row: (row["at"], row["n"])  # noqa: E731
        return lambda: sorted(answer(), key=newest, reverse=True)[:limit]

    def _by_meaning(self, query: Query, vector: Vector, limit: int) -> Callable[[], list[Row]]:
        ranked = max(limit, _RANKED)

        async def ask(table: Any) -> list[Row]:
            search = table.query().nearest_to(vector).column("vec").distance_type("cosine")
            search = search.nprobes(_NPROBES).select([*_BARE, "_distance"])
            rows = search.where(query.where) if query.where else search
            return list(await rows.limit(ranked).to_list())

        answer = self._vectors.asked(ask)
        return lambda: sorted(answer(), key=lambda row: float(row["_distance"]))[:ranked]

    def _near_enough(self, rows: Iterable[Row]) -> list[Row]:
        """Those that may be what words mean."""
        least = LEAST_ALIKE.get(self._route().rpartition(" ")[2], -1.0)
        return [row for row in rows if 1 - row["_distance"] >= least]

    def _meant(self, query: Query, vector: Callable[[str, str], Vector | None]) -> Vector | None:
        if not query.text or query.phrases or not self._vectors.exists():
            return None  # a phrase is to be found as it stands
        return vector(query.text, self._route())

    def _own_vector(self, like: Like, vector: Callable[[str, str], Vector | None]) -> Vector | None:
        if not self._vectors.exists():
            return None

        async def ask(table: Any) -> list[Row]:
            own = table.query().where(f"n = {like.n}").select(["vec"]).limit(1)
            return list(await own.to_list())

        found = self._vectors.each(ask)
        return list(found[0]["vec"]) if found else vector(like.text, self._route())

    def _route(self) -> str:
        return str(self._vectors.note().get("route", ""))

    def _weight_of_meaning(self) -> float:
        return _BUILT_IN_WEIGHT if self._route().endswith(_BUILT_IN) else 1.0

    # -- rows

    def _tried(self, read: Callable[[], T], part: Part) -> T | None:
        """The answer of a part of the index; None if it does not read, which its writer is told."""
        for left in (1, 0):
            try:
                return read()
            except (RuntimeError, OSError, ValueError) as error:
                part.forget()
                failure = error
            if left and "not found" not in str(failure).lower():  # not just compacted away
                break
        if system_error(failure) is not None:
            raise failure
        _logger.error("the search's index does not read", part=part.name, error=str(failure)[:300])
        with contextlib.suppress(OSError):
            (self._folder / DAMAGED).touch()
        return None

    def _whole(self, hits: Iterable[Hit]) -> list[Hit]:
        """With their texts: the vectors have none."""
        hits = list(hits)
        bare = [hit.row["n"] for hit in hits if "text" not in hit.row]
        texts = {row["n"]: row for row in self._rows(bare)}
        whole = (hit if "text" in hit.row else Hit(texts.get(hit.row["n"], {}), hit.score, hit.by)
                 for hit in hits)  # fmt: skip
        return [hit for hit in whole if hit.row]

    def _rows(self, numbers: Sequence[int]) -> list[Row]:
        if not numbers:
            return []
        where = f"n IN ({', '.join(map(str, numbers))})"

        async def ask(table: Any) -> list[Row]:
            return list(await table.query().where(where).to_list())

        rows = self._words.each(ask)
        place = {n: at for at, n in enumerate(numbers)}
        return sorted(rows, key=lambda row: place[row["n"]])


@functools.lru_cache(maxsize=8)
def _parts(folder: Path, cached_bytes: int) -> tuple[Part, Part]:
    """Words and vectors, for all who search the folder in this process.

    Each large segment of vectors has 40 MB of what a search compares, others each time: what is in
    no cache is read from the file again, which takes half of a search's CPU.
    """
    return Part(folder, WORDS, cached_bytes // 2), Part(folder, VECTORS, cached_bytes // 2)


@functools.lru_cache(maxsize=8)
def searcher_of(store: Reader) -> Searcher:
    """The searcher of a folder as this reader sees it: what it has opened serves each search."""
    return Searcher(store)


def full_text(query: Query) -> FullTextQuery | None:
    """The query of the words' index; None where no word is asked for."""
    if query.words and not query.phrases and not query.without:
        return MatchQuery(" ".join(query.words), "text")  # by itself in two thirds of the time
    parts: list[tuple[Occur, FullTextQuery]] = []
    if query.words:
        parts.append((Occur.MUST, MatchQuery(" ".join(query.words), "text")))
    parts += [(Occur.MUST, PhraseQuery(phrase, "text")) for phrase in query.phrases]
    if not parts:
        return None
    parts += [(Occur.MUST_NOT, PhraseQuery(words, "text")) for words in query.without]
    return BooleanQuery(parts)


def without(query: Query) -> str:
    """The filters, with what a passage must not have: for a search that asks for no word."""
    unlike = [f"NOT {contains(words)}" for words in query.without]
    return " AND ".join([*([query.where] if query.where else []), *unlike])


def _in_one_order(
    ranked: Mapping[str, Sequence[Row]], limit: int, *, newest_first: bool, meaning: float = 1.0
) -> list[Hit]:
    """Reciprocal rank fusion, in which a place by meaning weighs so much; or by number, where
    nothing ranks them.
    """
    scores: dict[int, float] = defaultdict(float)
    ways: dict[int, list[str]] = defaultdict(list)
    rows: dict[int, Row] = {}
    for way, found in ranked.items():
        for place, row in enumerate(found):
            n = int(row["n"])
            scores[n] += (meaning if way == "meaning" else 1.0) / (_RRF + place + 1)
            ways[n].append(way if way == "meaning" else "words")
            if "text" in row or n not in rows:
                rows[n] = {name: row[name] for name in row if name in SCHEMA.names}
    if newest_first:
        order = sorted(scores, key=lambda n: (rows[n]["at"], n), reverse=True)
    else:
        order = sorted(scores, key=lambda n: (-scores[n], -n))
    return [Hit(rows[n], scores[n], tuple(dict.fromkeys(ways[n]))) for n in order[:limit]]
