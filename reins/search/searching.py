"""Searching: by words, by meaning, and among the rows that are not in the index yet."""

import contextlib
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import lancedb
import pyarrow as pa
import structlog
from lancedb.query import BooleanQuery, FullTextQuery, MatchQuery, Occur, PhraseQuery

from reins.search.current import Outdated, current, is_current, outdated, outdated_in
from reins.search.index import DAMAGED, VECTORS, WORDS, read_note
from reins.search.matching import fitting
from reins.search.passages import FOLLOWED, SCHEMA, as_table, passages_of
from reins.search.query import Query, read
from reins.search.session_types import Types
from store import agent_steps, chunks, documents, messages
from store.following import Follower, as_journalled
from store.lance.faults import system_error
from store.lance.tables import connect
from store.reading import Reader

_logger = structlog.get_logger(__name__)

Row = dict[str, Any]
Vector = Sequence[float]
MOST = 200
"""Hits of one search."""
_RANKED = 100
"""Hits of each way of searching that are put in one order."""
_RRF = 60
"""Cormack et al., SIGIR 2009: a hit's score is the sum of 1 / (60 + its place) over the ways."""
_TAIL_ROWS = 20_000
"""Rows behind the index that one search looks through."""
_SCANNED = 1_000
"""Rows of one table that are taken from it where the index is far behind."""
_NPROBES, _REFINE = 20, 10


@dataclass(frozen=True, slots=True)
class Hit:
    """One passage that was found. `by` says how: `words`, `meaning`, or both."""

    row: Row
    score: float
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The hits, the best first. `behind` is how many rows are in no index yet and were not looked
    through; `by_meaning` is false where there are no vectors, or none of the query.
    """

    hits: Sequence[Hit]
    behind: int
    by_meaning: bool


class Searcher:
    """Searches one data folder; from any process, beside whoever writes the index."""

    def __init__(self, store: Reader) -> None:
        self._store = store
        self._folder = store.folder.path / "search"
        self._types = Types(store)
        self._db: lancedb.DBConnection | None = None

    def search(
        self,
        text: str,
        *,
        limit: int = 20,
        vector: Callable[[str, str], Vector | None] = lambda _text, _route: None,
        now: datetime | None = None,
    ) -> Found:
        """`vector` gives the query's own by the index's route; it is asked where there are words.

        Raises: QueryError.
        """
        query = read(text, now or datetime.now(UTC))
        limit = max(1, min(limit, MOST))
        by_words = self._tried(lambda: self._by_words(query, limit), WORDS)
        upto = 0 if by_words is None else int(read_note(self._folder, WORDS).get("upto", 0))
        tail, behind, before = self._tail(upto)
        ranked = {"words": by_words or [], "new": fitting(tail, query, limit)}
        if behind:
            ranked["scanned"] = self._scanned(query, limit, upto, before)
        meant = self._meant(query, vector)
        by_meaning = meant and self._tried(lambda: self._by_meaning(query, meant), VECTORS)
        if by_meaning:
            ranked["meaning"] = by_meaning
        for way, rows in ranked.items():  # what the index has not taken out yet
            ranked[way] = [row for row in rows if is_current(row["document_id"], row["n"], before)]
        hits = _in_one_order(ranked, limit, newest_first=not query.text)
        whole = hits if by_words is None else self._whole(hits)
        return Found(whole, behind, by_meaning is not None)

    # -- ways of searching

    def _by_words(self, query: Query, limit: int) -> list[Row]:
        table = self._table(WORDS)
        if table is None:
            return []
        asked = full_text(query)
        if asked is None:
            return self._newest(query, limit)
        search = table.search(asked, query_type="fts")
        rows = (search.where(query.where) if query.where else search).limit(_RANKED).to_list()
        return sorted(rows, key=lambda row: -float(row["_score"]))

    def _newest(self, query: Query, limit: int) -> list[Row]:
        """The newest passages that fit the filters, where nothing is asked for in words."""
        table = self._table(WORDS)
        if table is None:
            return []
        where = without(query)
        numbers = table.search().select(["n"]).where(where or "true").limit(None).to_arrow()["n"]
        if not len(numbers):
            return []
        newest = numbers.combine_chunks().sort("descending")[:limit].to_pylist()
        return self._rows(newest)

    def _meant(self, query: Query, vector: Callable[[str, str], Vector | None]) -> Vector | None:
        if not query.text or query.phrases or self._table(VECTORS) is None:
            return None  # a phrase is to be found as it stands
        route = str(read_note(self._folder, VECTORS).get("route", ""))
        return vector(query.text, route)

    def _by_meaning(self, query: Query, vector: Vector) -> list[Row]:
        table = self._table(VECTORS)
        if table is None:
            return []
        search = table.search(list(vector), vector_column_name="vec").distance_type("cosine")
        search = search.nprobes(_NPROBES).refine_factor(_REFINE)
        search = search.select(["n", "source", "document_id", "place", "_distance"])
        rows = (search.where(query.where, prefilter=True) if query.where else search).limit(_RANKED)
        return list(rows.to_list())

    # -- rows

    def _tail(self, upto: int) -> tuple[pa.Table, int, Outdated]:
        """Passages of the rows that the index has not come to, how many rows are left out, and
        what is outdated by those after the index.
        """
        feed = Follower(self._store, FOLLOWED)
        feed.position = upto
        rows: list[tuple[str, Row]] = []
        more = True
        while more and len(rows) < _TAIL_ROWS:
            found, more = feed.poll()
            rows += found
        newest = self._newest_number() if more else feed.position
        before = outdated_in(rows)
        if more:
            where = f"journal_n > {feed.position}"
            later = self._store.joined(documents.TABLE, {}, where)
            before = {**before, **outdated(later)}
        passages = current(passages_of(rows, self._types), before)
        return as_table(passages), newest - feed.position, before

    def _scanned(self, query: Query, limit: int, upto: int, before: Outdated) -> list[Row]:
        """Texts of a folder whose index is far behind, found by reading the tables themselves."""
        words = [*query.words, *query.phrases]
        has = " OR ".join(f"contains(lower(text), {_literal(each)})" for each in words)
        rows = []
        for table in (agent_steps.TABLE, messages.TABLE, chunks.TABLE):
            opened = self._store.table(table)
            if opened is not None:
                where = f"journal_n > {upto}" + (f" AND ({has})" if has else "")
                found = opened.search().where(where).limit(_SCANNED).to_arrow()
                rows += [(table.name, row) for row in as_journalled(found).to_pylist()]
        passages = current(passages_of(rows, self._types), before)
        return fitting(as_table(passages), query, limit)

    def _tried(self, read: Callable[[], list[Row]], part: str) -> list[Row] | None:
        """The rows that a part of the index gives; None if it does not read, told its writer."""
        for left in (1, 0):
            try:
                return read()
            except (RuntimeError, OSError, ValueError) as error:
                self._db = None
                failure = error
            if left and "not found" not in str(failure).lower():  # not just compacted away
                break
        if system_error(failure) is not None:
            raise failure
        _logger.error("the search's index does not read", part=part, error=str(failure)[:300])
        with contextlib.suppress(OSError):
            (self._folder / DAMAGED).touch()
        return None

    def _newest_number(self) -> int:
        with self._store.folder.read_log() as log:
            return 0 if log is None else log.newest_number()

    def _whole(self, hits: Iterable[Hit]) -> list[Hit]:
        """With their texts: the vectors have none."""
        hits = list(hits)
        bare = [hit.row["n"] for hit in hits if "text" not in hit.row]
        texts = {row["n"]: row for row in self._rows(bare)}
        whole = (hit if "text" in hit.row else Hit(texts.get(hit.row["n"], {}), hit.score, hit.by)
                 for hit in hits)  # fmt: skip
        return [hit for hit in whole if hit.row]

    def _rows(self, numbers: Sequence[int]) -> list[Row]:
        table = self._table(WORDS)
        if table is None or not numbers:
            return []
        where = f"n IN ({', '.join(map(str, numbers))})"
        rows = table.search().where(where).limit(None).to_list()
        place = {n: at for at, n in enumerate(numbers)}
        return sorted(rows, key=lambda row: place[row["n"]])

    def _table(self, name: str) -> Any:
        if not (self._folder / f"{name}.lance").is_dir():
            return None
        db = self._db = self._db or connect(self._folder)  # another thread may drop it
        return db.open_table(name)


@functools.lru_cache(maxsize=8)
def searcher_of(store: Reader) -> Searcher:
    """The searcher of a folder as this reader sees it: what it has opened serves each search."""
    return Searcher(store)


def full_text(query: Query) -> FullTextQuery | None:
    """The query of the words' index; None where no word is asked for."""
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
    unlike = [f"NOT contains(lower(text), {_literal(words)})" for words in query.without]
    return " AND ".join([*([query.where] if query.where else []), *unlike])


def _literal(words: str) -> str:
    return "'" + words.lower().replace("'", "''") + "'"


def _in_one_order(
    ranked: Mapping[str, Sequence[Row]], limit: int, *, newest_first: bool
) -> list[Hit]:
    """Reciprocal rank fusion; or by number, where nothing ranks them."""
    scores: dict[int, float] = defaultdict(float)
    ways: dict[int, list[str]] = defaultdict(list)
    rows: dict[int, Row] = {}
    for way, found in ranked.items():
        for place, row in enumerate(found):
            n = int(row["n"])
            scores[n] += 1 / (_RRF + place + 1)
            ways[n].append(way if way == "meaning" else "words")
            if "text" in row or n not in rows:
                rows[n] = {name: row[name] for name in row if name in SCHEMA.names}
    order = sorted(scores, key=(lambda n: -n) if newest_first else (lambda n: (-scores[n], -n)))
    return [Hit(rows[n], scores[n], tuple(dict.fromkeys(ways[n]))) for n in order[:limit]]
