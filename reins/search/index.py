"""The index: passages with their words, and vectors beside them, in a folder of its own.

It holds nothing that the tables do not, so it is neither journalled nor verified: where it does not
read, or is of another journal, it is thrown away and made anew.
"""

import shutil
from collections.abc import Sequence
from functools import partial
from typing import Any

import pyarrow as pa
import structlog
from lancedb.index import FTS, Bitmap, BTree, IvfSq
from lancedb.table import LanceTable

from reins.search.passages import SCHEMA, Passage, as_table
from reins.search.segments import Segments, read_note, read_segments
from store.folder import DataFolder
from store.lance.faults import refuse_if_system
from store.lance.tables import connect

_logger = structlog.get_logger(__name__)

FORMAT = 3
"""Of the folder: an index of another format is made anew."""
WORDS, VECTORS = "words", "vectors"
DAMAGED = "damaged"
"""A file that says so: who searches may be another process than who mends."""
_FLAT = 20_000
"""So many vectors are compared one by one sooner than through an index of them."""
_FULL_TEXT = FTS(
    base_tokenizer="icu", with_position=True, remove_stop_words=False, max_token_length=100
)


class Index:
    """The index of one data folder, as its only writer has it; for one thread at a time."""

    def __init__(self, data: DataFolder) -> None:
        self.folder = data.path / "search"
        self._data = data
        self._words = Segments(self.folder, WORDS, _index_words)
        self._vectors = Segments(self.folder, VECTORS, _index_vectors)

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

    def add(self, passages: Sequence[Passage], upto: int) -> None:
        """Add passages; all rows up to the number `upto` have been looked at then."""
        if passages:
            self._words.add(as_table(passages))
        self._words.note(upto=upto, identity=self._identity())

    def keep_up(self) -> None:
        """Index what is not, and put small segments together, where that is due."""
        self._words.keep_up()

    def remove(self) -> None:
        """Throw it away."""
        self._words.remove()
        self._vectors.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def passages(self, after: int, upto: int) -> list[dict[str, Any]]:
        """Passages of rows numbered above `after` and up to `upto`, in their order.

        In another thread than the words' writer, which may put segments together meanwhile.
        """
        where = f"n > {after} AND n <= {upto}"

        def ask(table: LanceTable) -> list[dict[str, Any]]:
            return list(table.search().where(where).limit(None).to_list())

        rows = read_segments(self.folder, WORDS, partial(connect, self.folder), ask)
        return sorted(rows, key=lambda row: int(row["n"]))

    def is_damaged(self) -> bool:
        """True if somebody who searched could not read it."""
        return (self.folder / DAMAGED).exists()

    # -- vectors

    def open_vectors(self, route: str) -> int:
        """As `open`, of the vectors of a route; those of another are thrown away."""
        note = self._vectors.open()
        if note.get("format") != FORMAT or note.get("route") != route:
            self._vectors.begin(format=FORMAT, route=route, upto=0)
            return 0
        upto = int(note["upto"])
        self._vectors.delete(f"n > {upto}")
        return upto

    def add_vectors(
        self, rows: Sequence[dict[str, Any]], vectors: Sequence[Sequence[float]]
    ) -> None:
        """Add the vectors of passages, which is noted by `note_vectors`."""
        column = _vector_schema(len(vectors[0])).field("vec")
        plain = pa.Table.from_pylist(list(rows), schema=SCHEMA).drop_columns(["text"])
        self._vectors.add(
            plain.append_column(column, pa.array(list(map(list, vectors)), column.type))
        )

    def note_vectors(self, upto: int) -> None:
        """All passages of rows up to this number have a vector of the route."""
        self._vectors.note(upto=upto)

    def keep_vectors_up(self) -> None:
        """As `keep_up`; an index of vectors is made where comparing all takes too long."""
        self._vectors.keep_up()

    # -- its files

    def _opened(self, identity: int) -> int:
        note = self._words.open()
        if note.get("format") != FORMAT or note.get("identity") != identity:
            self.remove()
            self._words.open()
            self._words.begin(format=FORMAT, identity=identity, upto=0)
            return 0
        upto = int(note["upto"])
        self._words.delete(f"n > {upto}")  # added before a kill, and not noted
        return upto

    def _identity(self) -> int:
        with self._data.read_log() as log:
            return 0 if log is None else log.identity()


def behind(data: DataFolder) -> dict[str, int]:
    """How many rows each part of the index has not come to; without one that there is not."""
    with data.read_log() as log:
        newest = 0 if log is None else log.newest_number()
    notes = {part: read_note(data.path / "search", part) for part in (WORDS, VECTORS)}
    return {part: max(0, newest - int(note["upto"])) for part, note in notes.items() if note}


def _index_words(table: LanceTable) -> None:
    table.create_index("text", config=_FULL_TEXT)
    _add_indices(table)


def _index_vectors(table: LanceTable) -> None:
    if table.count_rows() >= _FLAT:
        table.create_index("vec", config=IvfSq(distance_type="cosine"))
    _add_indices(table)


def _add_indices(table: LanceTable) -> None:
    for column in ("n", "session_id", "conversation_id", "agent_id", "at"):
        table.create_index(column, config=BTree())
    for column in ("source", "kind"):
        table.create_index(column, config=Bitmap())


def _vector_schema(dimension: int) -> pa.Schema:
    fields = [field for field in SCHEMA if field.name != "text"]
    return pa.schema([*fields, pa.field("vec", pa.list_(pa.float32(), dimension))])
