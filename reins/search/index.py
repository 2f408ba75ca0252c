"""The index: passages with their words, and vectors beside them, in a folder of its own.

It holds nothing that the tables do not, so it is neither journalled nor verified: where it does not
read, or is of another journal, it is thrown away and made anew.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import structlog
from lancedb.index import FTS, Bitmap, BTree, IvfSq
from lancedb.table import AsyncTable, LanceTable

from reins.search.passages import SCHEMA, Passage, as_table
from reins.search.segments import Part, Segments, read_note
from store.folder import DataFolder
from store.lance.faults import refuse_if_system
from store.lance.tables import quoted, read_all_async

_logger = structlog.get_logger(__name__)

STORED = SCHEMA.append(pa.field("serial", pa.int64()))
"""`serial` is the order in which passages came into the index, without gaps but for what was
replaced.
"""
WORDS, VECTORS = "words", "vectors"
DAMAGED = "damaged"
"""A file that says so: who searches may be another process than who mends."""
_FLAT = 20_000
"""So many vectors are compared one by one sooner than through an index of them."""
_SMALL = 65_536
"""Below so many rows a filter of what many have needs no index."""
_AT_ONCE = 200
"""Documents whose chunks are taken out with one commit."""
_FULL_TEXT = FTS(
    base_tokenizer="icu", with_position=True, remove_stop_words=False, max_token_length=100
)


class Index:
    """The index of one data folder, as its only writer has it; for one thread at a time."""

    def __init__(self, data: DataFolder) -> None:
        self.folder = data.path / "search"
        self._data = data
        self._words, self._vectors = (
            Segments(self.folder, part, INDICES[part]) for part in (WORDS, VECTORS)
        )
        self._words_part, self._vectors_part = (
            Part(self.folder, name) for name in (WORDS, VECTORS)
        )
        self.serial = self.actions = 0
        """The newest passage, and the newest action that has been looked at, by their numbers."""

    # -- words

    def open(self) -> int:
        """The number of the newest row that is in it; what came after it half is taken out.

        Raises: FolderUnusableError where the system does not let it be read.
        """
        identity = self._identity()
        try:
            return self._opened(identity)
        except Exception as error:  # noqa: BLE001 - LanceDB raises anything at torn bytes
            refuse_if_system(error, self.folder)
            _logger.warning("the index of the search is made anew", why=str(error)[:300])
            self.remove()
            return self._opened(identity)

    def add(self, passages: Sequence[Passage], upto: int, actions: int = 0) -> None:
        """Add passages; all rows up to the number `upto`, and actions up to `actions`, have been
        looked at then. A digest takes the place of the one of before.
        """
        if passages:
            _remove_digests(self._words, [(passage.source, passage.n) for passage in passages])
            serials = range(self.serial + 1, self.serial + len(passages) + 1)
            self._words.add(
                as_table(passages).append_column("serial", pa.array(serials, pa.int64()))
            )
            self.serial = serials[-1]
        self.actions = max(self.actions, actions)
        self._words.note(
            upto=upto, identity=self._identity(), serial=self.serial, actions=self.actions
        )

    def digests(self) -> dict[str, datetime]:
        """Of each session that has a digest, the time of what that tells."""
        rows = self._asked("source = 'session'", ["session_id", "at"])
        return {row["session_id"]: row["at"] for row in rows}

    def guidance(self, session_ids: Sequence[str]) -> list[dict[str, Any]]:
        """The passages of what guided these sessions, in their order."""
        named = ", ".join(map(quoted, session_ids))
        rows = self._asked(f"session_id IN ({named}) AND kind = 'guidance'")
        return sorted(rows, key=lambda row: int(row["n"]))

    def take_out(self, outdated: Mapping[str, int]) -> None:
        """Take out the chunks of documents whose rows are numbered below these numbers."""
        _take_out(self._words, outdated)

    @property
    def has_merged(self) -> bool:
        """True if `keep_up` is due although nothing has come."""
        return self._words.has_merged

    @property
    def has_merged_vectors(self) -> bool:
        """True if `keep_vectors_up` is due although nothing has come."""
        return self._vectors.has_merged

    def keep_up(self) -> None:
        """Index what is not, and put small segments together, where that is due."""
        self._words.keep_up()

    def close(self) -> None:
        """End what threads do for it."""
        self._words.close()
        self._vectors.close()

    def remove(self) -> None:
        """Throw it away."""
        self._words.remove()
        self._vectors.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def passages(self, after: int, upto: int) -> pa.Table:
        """Passages that came in after the serial `after`, up to `upto`, in their order.

        Shapes: one row a passage, of `STORED`. From any thread: the writer of the words may put
        segments together meanwhile.
        """

        async def ask(table: AsyncTable) -> list[pa.Table]:
            where = f"serial > {after} AND serial <= {upto}"
            return [await read_all_async(table.query().where(where).select(STORED.names))]

        found = pa.concat_tables([STORED.empty_table(), *self._words_part.each(ask)])
        return found.sort_by("serial")

    def _asked(self, where: str, columns: list[str] | None = None) -> list[dict[str, Any]]:
        async def ask(table: AsyncTable) -> list[dict[str, Any]]:
            query = table.query().where(where)
            return list(await (query.select(columns) if columns else query).to_list())

        return self._words_part.each(ask)

    def is_damaged(self) -> bool:
        """True if somebody who searched could not read it."""
        return (self.folder / DAMAGED).exists()

    # -- vectors

    def open_vectors(self, route: str) -> int:
        """As `open`, of the vectors of a route, by serial; those of another are thrown away."""
        note = self._vectors.open()
        newest = int(read_note(self.folder, WORDS).get("serial", 0))
        is_ahead = int(note.get("upto", 0)) > newest  # the words have lost what was not synced
        if note.get("route") != route or is_ahead:
            self._vectors.begin(route=route, upto=0)
            return 0
        upto = int(note["upto"])
        self._vectors.delete(f"serial > {upto}")
        return upto

    def add_vectors(self, passages: pa.Table, vectors: Sequence[Any]) -> pa.Table:
        """Add the vectors of passages, arrays all, which is noted by `note_vectors`.

        Shapes: the passages without their texts, and with the column `vec`.
        """
        import numpy as np  # noqa: PLC0415 - for those who have vectors

        every = pa.array(np.concatenate(vectors))
        column = pa.FixedSizeListArray.from_arrays(every, len(vectors[0]))
        named = zip(*(passages[name].to_pylist() for name in ("source", "n")), strict=True)
        _remove_digests(self._vectors, named)
        added = passages.drop_columns(["text"]).append_column("vec", column)
        self._vectors.add(added)
        return added

    def newest_vectors(self, most: int, columns: list[str]) -> pa.Table | None:
        """Passages with their vectors, the newest that are noted, in their order; None of none."""
        upto = int(self._vectors_part.note().get("upto", 0))

        async def ask(table: AsyncTable) -> list[pa.Table]:
            found = table.query().where(f"serial > {upto - most} AND serial <= {upto}")
            return [await read_all_async(found.select([*columns, "serial"]))]

        found = self._vectors_part.each(ask)
        return pa.concat_tables(found).sort_by("serial") if found else None

    def note_vectors(self, upto: int) -> None:
        """All passages up to this serial have a vector of the route."""
        self._vectors.note(upto=upto)

    def take_out_vectors(self, outdated: Mapping[str, int]) -> None:
        """As `take_out`."""
        _take_out(self._vectors, outdated)

    def keep_vectors_up(self) -> None:
        """As `keep_up`; an index of vectors is made where comparing all takes too long."""
        self._vectors.keep_up()

    # -- its files

    def _opened(self, identity: int) -> int:
        note = self._words.open()
        if note.get("identity") != identity:
            self.remove()
            self._words.open()
            self.serial = self.actions = 0
            self._words.begin(identity=identity, upto=0, serial=0, actions=0)
            return 0
        self.serial, self.actions = int(note["serial"]), int(note["actions"])
        self._words.delete(f"serial > {self.serial}")  # added before a kill, and not noted
        return int(note["upto"])

    def _identity(self) -> int:
        with self._data.read_log() as log:
            return 0 if log is None else log.identity()


def behind(data: DataFolder) -> dict[str, int]:
    """How many rows each part of the index has not come to; without one that there is not."""
    with data.read_log() as log:
        newest = 0 if log is None else log.newest_number()
    words, vectors = (read_note(data.path / "search", part) for part in (WORDS, VECTORS))
    if not words:
        return {}
    found = {WORDS: max(0, newest - int(words["upto"]))}
    if vectors:
        found[VECTORS] = found[WORDS] + max(0, int(words.get("serial", 0)) - int(vectors["upto"]))
    return found


def _index_words(table: LanceTable) -> None:
    table.create_index("text", config=_FULL_TEXT)
    _add_indices(table)


def _index_vectors(table: LanceTable) -> None:
    if table.count_rows() >= _FLAT:
        table.create_index("vec", config=IvfSq(distance_type="cosine"))
    _add_indices(table)


INDICES = {WORDS: _index_words, VECTORS: _index_vectors}
"""Of a segment of each part."""


def _add_indices(table: LanceTable) -> None:
    """Of what is filtered by; a small segment is read from end to end as fast."""
    rows = table.count_rows()
    if not rows:
        return
    columns = ["n", "session_id", "at"]
    if rows >= _SMALL:
        columns += ("serial", "conversation_id", "agent_id", "document_id")
        for column in ("source", "kind"):
            table.create_index(column, config=Bitmap())
    for column in columns:
        table.create_index(column, config=BTree())


def _remove_digests(segments: Segments, named: Iterable[tuple[str, int]]) -> None:
    """Remove those whose successors come now."""
    if old := [str(n) for source, n in named if source == "session"]:
        segments.delete(f"n IN ({', '.join(old)})")


def _take_out(segments: Segments, outdated: Mapping[str, int]) -> None:
    documents = sorted(outdated.items())
    for at in range(0, len(documents), _AT_ONCE):
        some = documents[at : at + _AT_ONCE]
        segments.delete(
            " OR ".join(f"(document_id = {quoted(own)} AND n < {n})" for own, n in some)
        )
