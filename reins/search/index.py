"""The index: passages with their words, and vectors beside them, in a folder of its own.

It holds nothing that the tables do not, so it is neither journalled nor verified: where it does not
read, or is of another journal, it is thrown away and made anew.
"""

import json
import shutil
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import lancedb
import pyarrow as pa
import structlog
from lancedb.index import FTS, Bitmap, BTree, IvfSq
from lancedb.table import LanceTable

from reins.search.passages import SCHEMA, Passage, as_table
from store.folder import DataFolder
from store.lance.faults import refuse_if_system
from store.lance.tables import connect, quoted

_logger = structlog.get_logger(__name__)

FORMAT = 4
"""Of the folder: an index of another format is made anew. 2 has its texts in one form of Unicode, 3
is that of the page; 4 has digests of sessions, descriptions of actions, and an order of its own.
"""
STORED = SCHEMA.append(pa.field("serial", pa.int64()))
"""`serial` is the order in which passages came into the index, without gaps but for what was
replaced.
"""
WORDS, VECTORS = "words", "vectors"
DAMAGED = "damaged"
"""A file that says so: who searches may be another process than who mends."""
_UNINDEXED = 5_000
"""Passages that a query may search without the index: beyond, each costs it too much."""
_COMMITS = 64
_FLAT = 20_000
"""So many vectors are compared one by one sooner than through an index of them."""
_SEGMENTS = 16
_KEEP = timedelta(seconds=60)
_FULL_TEXT = FTS(
    base_tokenizer="icu", with_position=True, remove_stop_words=False, max_token_length=100
)


class Index:
    """The index of one data folder, as its only writer has it; for one thread at a time."""

    def __init__(self, data: DataFolder) -> None:
        self.folder = data.path / "search"
        self._data = data
        self._db: lancedb.DBConnection | None = None
        self._commits = 0
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
            table = self._table(WORDS)
            _remove_digests(table, [(passage.source, passage.n) for passage in passages])
            serials = range(self.serial + 1, self.serial + len(passages) + 1)
            table.add(as_table(passages).append_column("serial", pa.array(serials, pa.int64())))
            self.serial = serials[-1]
            self._commits += 1
        self.actions = max(self.actions, actions)
        self._note_words(upto)

    def digests(self) -> dict[str, datetime]:
        """Of each session that has a digest, the time of what that tells."""
        query = self._table(WORDS).search().where("source = 'session'")
        rows = query.select(["session_id", "at"]).limit(None).to_list()
        return {row["session_id"]: row["at"] for row in rows}

    def guidance(self, session_ids: Sequence[str]) -> list[dict[str, Any]]:
        """The passages of what guided these sessions, in their order."""
        named = ", ".join(map(quoted, session_ids))
        where = f"session_id IN ({named}) AND kind = 'guidance'"
        rows = self._table(WORDS).search().where(where).limit(None).to_list()
        return sorted(rows, key=lambda row: int(row["n"]))

    def keep_up(self) -> None:
        """Index what is not, and put small pieces together, where that is due."""
        table = self._table(WORDS)
        stats = table.index_stats("text_idx")
        unindexed = 0 if stats is None else stats.num_unindexed_rows
        if unindexed >= _UNINDEXED or self._commits >= _COMMITS:
            table.optimize(cleanup_older_than=_KEEP)
            self._commits = 0

    def remove(self) -> None:
        """Throw it away."""
        self._db = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def passages(self, after: int, upto: int) -> list[dict[str, Any]]:
        """Passages that came in after the serial `after`, up to `upto`, in their order."""
        query = self._table(WORDS).search().where(f"serial > {after} AND serial <= {upto}")
        return sorted(query.limit(None).to_list(), key=lambda row: int(row["serial"]))

    def is_damaged(self) -> bool:
        """True if somebody who searched could not read it."""
        return (self.folder / DAMAGED).exists()

    # -- vectors

    def open_vectors(self, route: str) -> int:
        """As `open`, of the vectors of a route, by serial; those of another are thrown away."""
        note = self._read_note(VECTORS)
        db = self._connected()
        newest = int(self._read_note(WORDS).get("serial", 0))
        is_ahead = int(note.get("upto", 0)) > newest  # the words have lost what was not synced
        if note.get("route") != route or is_ahead or VECTORS not in _names(db):
            if VECTORS in _names(db):
                db.drop_table(VECTORS)
            self.note_vectors(route, 0)
            return 0
        upto = int(note["upto"])
        db.open_table(VECTORS).delete(f"serial > {upto}")
        return upto

    def add_vectors(
        self, rows: Sequence[dict[str, Any]], vectors: Sequence[Sequence[float]]
    ) -> None:
        """Add the vectors of passages, which is noted by `note_vectors`."""
        db = self._connected()
        columns = _vector_schema(len(vectors[0]))
        plain = pa.Table.from_pylist(list(rows), schema=STORED).drop_columns(["text"])
        found = plain.append_column(
            columns.field("vec"), pa.array(list(map(list, vectors)), columns.field("vec").type)
        )
        if VECTORS in _names(db):
            table = db.open_table(VECTORS)
            _remove_digests(table, [(row["source"], row["n"]) for row in rows])
            table.add(found)
        else:
            made = db.create_table(VECTORS, found)
            _add_indices(made)

    def note_vectors(self, route: str, upto: int) -> None:
        """All passages up to this serial have a vector of the route."""
        self._note(VECTORS, {"route": route, "upto": upto})

    def keep_vectors_up(self) -> None:
        """As `keep_up`; an index of vectors is made where comparing all takes too long."""
        db = self._connected()
        if VECTORS not in _names(db):
            return
        table = db.open_table(VECTORS)
        stats = table.index_stats("vec_idx")
        if stats is None:
            if table.count_rows() >= _FLAT:
                table.create_index("vec", config=IvfSq(distance_type="cosine"))
        elif (stats.num_indices or 1) > _SEGMENTS:  # they are never merged otherwise
            table.create_index("vec", config=IvfSq(distance_type="cosine"), replace=True)
        elif stats.num_unindexed_rows < _FLAT:
            return
        table.optimize(cleanup_older_than=_KEEP)

    # -- its files

    def _opened(self, identity: int) -> int:
        note = self._read_note(WORDS)
        if note.get("format") != FORMAT or note.get("identity") != identity:
            self.remove()
            note = {"upto": 0}
        db = self._connected()
        if WORDS not in _names(db):
            made = db.create_table(WORDS, schema=STORED)
            made.create_index("text", config=_FULL_TEXT)
            _add_indices(made)
            note = {"upto": 0}
        upto = int(note["upto"])
        self.serial, self.actions = int(note.get("serial", 0)), int(note.get("actions", 0))
        table = db.open_table(WORDS)
        table.delete(f"serial > {self.serial}")  # added before a kill, and not noted
        self._note_words(upto)
        return upto

    def _identity(self) -> int:
        with self._data.read_log() as log:
            return 0 if log is None else log.identity()

    def _connected(self) -> lancedb.DBConnection:
        if self._db is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._db = connect(self.folder)
        return self._db

    def _table(self, name: str) -> LanceTable:
        return self._connected().open_table(name)

    def _note_words(self, upto: int) -> None:
        own = {"identity": self._identity(), "serial": self.serial, "actions": self.actions}
        self._note(WORDS, {"upto": upto, **own})

    def _note(self, name: str, note: dict[str, Any]) -> None:
        part = self.folder / f"{name}.json.part"
        part.write_text(json.dumps({"format": FORMAT, **note}))
        part.replace(self.folder / f"{name}.json")

    def _read_note(self, name: str) -> dict[str, Any]:
        return read_note(self.folder, name)


def read_note(folder: Path, name: str) -> dict[str, Any]:
    """How far one part of the index has come; empty if there is none that reads."""
    try:
        note = json.loads((folder / f"{name}.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


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


def _names(db: lancedb.DBConnection) -> set[str]:
    return set(db.list_tables().tables)


def _add_indices(table: LanceTable) -> None:
    for column in ("n", "serial", "session_id", "conversation_id", "agent_id", "at"):
        table.create_index(column, config=BTree())
    for column in ("source", "kind"):
        table.create_index(column, config=Bitmap())


def _remove_digests(table: LanceTable, named: Iterable[tuple[str, int]]) -> None:
    """Remove those whose successors come now."""
    if old := [str(n) for source, n in named if source == "session"]:
        table.delete(f"n IN ({', '.join(old)})")


def _vector_schema(dimension: int) -> pa.Schema:
    fields = [field for field in STORED if field.name != "text"]
    return pa.schema([*fields, pa.field("vec", pa.list_(pa.float32(), dimension))])
