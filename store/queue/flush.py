"""The queue's part of the flush: actions with their outcomes from its file into its table.

And the other way: what another program has put into the table is adopted by the file.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

import pyarrow as pa
import structlog

from store.folder import DataFolder
from store.journal.arrow import from_lines
from store.lance import damage
from store.lance.compaction import Compaction
from store.lance.damage import Missing
from store.lance.opening import OpenTable
from store.lance.tables import Table, quoted, read_all
from store.queue.reading import is_same
from store.queue.rewriting import committed, write_again
from store.queue.rows import Action
from store.queue.table import NUMBER, SAME_ROW, TABLE, Row, is_refused, readable, waiting_rows
from store.queue.writer import QueueWriter, writer_at
from store.safe_versions import Opened, SafeVersions

_logger = structlog.get_logger(__name__)
_BATCH_ROWS = 5_000
_BATCH_BYTES = 64 << 20
_LISTED = 500


class QueueFlush:
    """Carries what is done into the table, which others append to as well, and compacts it.

    What it has carried leaves the file once it is synced. Where that is in doubt, and at first, the
    table is asked which of the actions it has.
    """

    def __init__(
        self,
        folder: DataFolder,
        tables: Opened,
        known: Mapping[str, int],
        note_synced: Callable[[Mapping[str, int]], object],
    ) -> None:
        self._folder = folder
        self._writer: QueueWriter = writer_at(folder)
        self._note_synced = note_synced
        self._tables = {name: pair for name, pair in tables.items() if not pair[0].journalled}
        self._safe = SafeVersions(folder, self._tables, known, _move_rows)
        self._sure = False
        self._turn = threading.Lock()
        self._looked = -1
        """The version of the table up to which others' rows are adopted."""
        self.compaction = Compaction()
        self.rows = 0

    @property
    def in_doubt(self) -> bool:
        """True after a sync that failed."""
        return self._safe.in_doubt

    def versions(self) -> dict[str, int]:
        """The newest versions, which others may have committed; none while any is in doubt.

        Who syncs next must not note one whose own sync has failed.
        """
        if self.in_doubt:
            return {}
        return {name: opened.version for name, (_, opened) in self._tables.items()}

    def adopt(self, *, waits: bool = True) -> bool:
        """Take in what others have put into the table since. Blocks.

        False where actions are just carried over, and it does not wait for the end of that.
        """
        if TABLE.name not in self._tables:
            return True
        opened = self._tables[TABLE.name][1]
        # Or what is carried over meanwhile would be adopted once more.
        if not self._turn.acquire(blocking=waits):
            return False
        try:
            version = opened.version
            if version != self._looked:
                known = self._read(lambda file: file.adopted())
                new = [r for r in waiting_rows(opened) if not any(is_same(a, r) for a in known)]
                if new:
                    self._writer.adopt(new)
                self._looked = version
        finally:
            self._turn.release()
        return True

    def run(self) -> None:
        """Carry over what is done. Raises: OSError, RuntimeError; nothing is lost then."""
        if TABLE.name not in self._tables:
            return
        more = True
        while more:
            batch = self._read(lambda file: file.finished(_BATCH_ROWS))
            for part in _by_size(batch):
                with self._turn:
                    self._carry(part)
            more = len(batch) == _BATCH_ROWS
        self._writer.shrink()

    def _carry(self, batch: list[Action]) -> None:
        opened = self._tables[TABLE.name][1]
        failed = self._settle()
        whole = self._whole(batch)
        own = [action for action in whole if not action.adopted]
        placed = self._in_table(opened, [action for action in whole if action.adopted])
        own += [action for action in whole if action.adopted and action.number not in placed]
        if not self._sure:
            there = _there(opened, own)
            own = [a for a in own if (a.number, a.row["action_id"]) not in there]
        self._write(opened, own, [row for row in placed.values() if row is not None])
        versions = self._sync(failed)
        self._writer.forget([action.number for action in batch])
        self._sure = True  # none of them comes once more
        self._note_synced(versions)
        self.rows += len(batch)

    def _write(self, opened: OpenTable, new: list[Action], placed: list[Row]) -> None:
        before = self._safe.version(TABLE.name)
        self._sure = False
        if new:
            self._safe.writes(TABLE.name)
            rows = from_lines(TABLE.schema, [each.line for each in new if not each.adopted])
            rows = pa.concat_tables([rows, _arrow(a.row for a in new if a.adopted)])
            self._mine(before, committed(partial(opened.add, rows)))
            self.compaction.added(TABLE.name, rows.num_rows)
        while placed:  # one commit holds each id once
            rows_of = {row["action_id"]: row for row in placed}
            placed = [row for row in placed if rows_of[row["action_id"]] is not row]
            self._safe.writes(TABLE.name)
            merge = opened.merge_insert("action_id").when_matched_update_all(where=SAME_ROW)
            self._mine(before, committed(partial(merge.execute, _arrow(rows_of.values()))))

    def _mine(self, before: int, version: int) -> None:
        """A commit of our own holds nothing to adopt."""
        if self._looked == before and version == before + 1:
            self._looked = version

    def _in_table(self, opened: OpenTable, adopted: list[Action]) -> dict[int, Row | None]:
        """The rows that the table's adopted actions are to be, by the file's numbers; None where
        one has its outcome there already.
        """
        found: dict[int, Row | None] = {}
        stored = _of_ids(opened, [action.row["action_id"] for action in adopted])
        for action in adopted:
            for row in stored:
                if is_same(action, row):
                    # A twin of another content may have put its refusal there: an outcome counts.
                    done = row["processed"] and (is_refused(action.row) or not is_refused(row))
                    as_there = None if done else {**action.row, NUMBER: action.table_n}
                    found[action.number] = as_there
        return found

    def _whole(self, batch: list[Action]) -> list[Action]:
        """The actions that are what was committed; the others are kept aside."""
        torn = [action for action in batch if not action.whole]
        if torn:
            why = "they are not what was committed: a checksum does not match"
            damage.keep(self._folder.path, [Missing(TABLE.name, len(torn), why)])
            _logger.error("actions set aside", numbers=[action.number for action in torn], why=why)
        return [action for action in batch if action.whole]

    def _read(self, read: Callable[..., list[Action]]) -> list[Action]:
        with self._folder.read_queue() as file:
            return [] if file is None else read(file)

    def compact(self) -> None:
        """Compact, where due."""
        self._safe.changed()  # others have written too
        if self.compaction.run_due(self._tables.values(), self._safe.version) or self.in_doubt:
            self._note_newest()
        tables, held = self._tables.values(), self._folder.versions_held
        if self.compaction.clean_due(tables, self._note_newest, held):
            self._note_newest()

    def _note_newest(self) -> None:
        self._note_synced(self._sync(self._settle()))

    def _settle(self) -> int | None:
        """Do again what is in doubt; the failures that the next sync settles, None: none."""
        self._safe.changed()
        failed = self._folder.failed_syncs.count if self._safe.in_doubt else None
        self._safe.settle()
        return failed

    def _sync(self, failed: int | None) -> dict[str, int]:
        versions = self._safe.sync()
        if failed is not None:
            self._folder.failed_syncs.settle(failed)
        return versions


def _by_size(actions: list[Action]) -> Iterator[list[Action]]:
    """The actions in parts that Arrow takes in one piece."""
    part: list[Action] = []
    size = 0
    for action in actions:
        size += len(action.body) + len(action.mark)
        if part and size > _BATCH_BYTES:
            yield part
            part, size = [], len(action.body) + len(action.mark)
        part.append(action)
    if part:
        yield part


def _there(opened: OpenTable, actions: list[Action]) -> set[tuple[int, str]]:
    """The numbers that the table has among those of the actions, each with its id.

    A number alone is not enough: an older helper gives out numbers of its own.
    """
    if not actions:
        return set()
    numbers = [action.number for action in actions]
    low, high = min(numbers), max(numbers)
    query = opened.search().where(f"{NUMBER} >= {low} AND {NUMBER} <= {high}")
    found = read_all(query.select([NUMBER, "action_id"]))
    return set(zip(found[NUMBER].to_pylist(), found["action_id"].to_pylist(), strict=True))


def _of_ids(opened: OpenTable, action_ids: list[str]) -> list[Row]:
    found: list[Row] = []
    for at in range(0, len(action_ids), _LISTED):
        listed = ", ".join(map(quoted, action_ids[at : at + _LISTED]))
        query = opened.search().where(f"action_id IN ({listed})").limit(None)
        found += readable(query.to_arrow()).to_pylist()
    return found


def _arrow(rows: Iterable[Row]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=TABLE.schema)


def _move_rows(_table: Table, opened: OpenTable, version: int) -> None:
    """Others append and cannot be undone: the rows go on in files of their own."""
    write_again(opened, version)
