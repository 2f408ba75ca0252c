"""The flush: journalled rows into the LanceDB tables, in order, in batches, off the loop."""

import contextlib
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from reins.loops import ThreadLoop
from store.aside import Aside
from store.derivation import derive, merge_newest
from store.errors import JournalError
from store.folder import DataFolder
from store.journal.file import Group
from store.journal.journal import Journal
from store.journal.log import NotingLog
from store.journal.memory import Memory
from store.lance.checksums import Checksums
from store.lance.compaction import Compaction
from store.lance.indexing import Indexing
from store.lance.memory import give_back
from store.lance.retention import Retention
from store.lance.sums import Sums
from store.queue.flush import QueueFlush
from store.safe_versions import Opened, SafeVersions, go_back
from store.starting import highest_number
from store.summing import Summing

_logger = structlog.get_logger(__name__)

_BATCH_ROWS = 20_000
_BATCH_BYTES = 64 << 20
_BURST_ROWS = 5_000  # after as many, a quieter moment is used to give their memory back
_QUIET_ROWS = 1_000
_RETRY_MAX_S = 30.0


class Flush(ThreadLoop):
    """A thread that moves journalled rows into the tables, and compacts and prunes the tables.

    Starts once. Wakes every `every_s`, or sooner when the journal fills. `stop` flushes what is
    there, within a time limit, and ends; a second stop does nothing. What it could not flush stays
    in the journal, so a failure costs time, never rows.
    """

    def __init__(
        self,
        *,
        folder: DataFolder,
        journal: Journal,
        tables: Opened,
        highest: Mapping[str, int],
        synced: Mapping[str, int],
        in_doubt: bool = False,
        every_s: float = 1.0,
        hurry_rows: int = _BATCH_ROWS,
        record_days: float | None = None,
        sums: Sums | None = None,
        memory: Memory | None = None,
    ) -> None:
        super().__init__("flush", first_delay_s=every_s)
        self._folder = folder
        self._journal = journal
        self._tables = tables
        self._every_s = every_s
        self._retry_s = every_s
        self._hurry_rows = hurry_rows
        self.retention = Retention(record_days)
        self._compaction = Compaction()
        self._indexing = Indexing()
        self._worked = 0
        self._highest = dict(highest)
        self.summing = Summing(tables, self._highest)
        self._sums = Checksums(folder.path, {} if sums is None else sums)
        self._noting = threading.Lock()
        self._memory = Memory() if memory is None else memory
        self._aside = Aside(folder.path)
        journalled = {name: pair for name, pair in tables.items() if pair[0].journalled}
        self._safe = SafeVersions(folder, journalled, synced, go_back, in_doubt=in_doubt)
        self.queue = QueueFlush(folder, tables, synced, self._note_synced)
        self.rows = 0
        self.failures = 0
        self.last_error: str | None = None
        """The error of the newest flush; None if it succeeded."""
        self.flushed_at: float | None = None
        """Unix time of the newest flush that succeeded, also one that found nothing to do."""

    @property
    def in_doubt(self) -> bool:
        """True while commits to the tables may not be on disk although they are read."""
        return self._safe.in_doubt or self.queue.in_doubt

    def start(self) -> None:
        super().start()
        self._journal.on_pending = self._hurry

    def stop(self, timeout_s: float | None = 30.0) -> None:
        """Blocks; call it from a thread that may."""
        super().stop(timeout_s)

    def _hurry(self, pending: int) -> None:
        if pending >= self._hurry_rows:
            self.wake()

    def run_once(self) -> float:
        self._flush_all()
        self.queue.run()
        if self.retention.run(self._tables.values()):
            self._safe.changed()
        self._compact()
        self._journal.retry_failed()
        self._retry_s = self._every_s
        self.last_error = None
        self.flushed_at = time.time()
        return self._every_s

    def failed(self, error: Exception) -> float:
        # Retried by the clock alone: each commit would wake it otherwise.
        self._retry_s = min(self._retry_s * 2, _RETRY_MAX_S)
        self.failures += 1
        self.last_error = f"{type(error).__name__}: {error}"[:500]
        _logger.error(
            "flush failed; its rows stay in the journal",
            error=self.last_error,
            retry_in_s=self._retry_s,
        )
        return self._retry_s

    def finish(self) -> None:
        try:
            with contextlib.suppress(JournalError):
                self._journal.call(_nothing)  # what was submitted before is committed first
            self._flush_all()
            self.queue.run()
        except Exception as error:  # noqa: BLE001 - the rows are safe in the journal
            self.failed(error)
        finally:
            if "_reader" in vars(self):  # it may not have been opened, or could not be
                self._reader.close()

    @cached_property
    def _reader(self) -> NotingLog:
        """Made at first use, in the thread that uses it."""
        return self._folder.open_log("process")

    def _flush_all(self) -> None:
        before = self.rows
        more = True
        while more:
            more = self._flush_batch()
            self._memory.settle(aside=self._aside.taken())
            if more and not self.stopping:  # for long, where rows come as fast as they are moved
                self._index()
        self._write_sums(all_of_them=self.stopping)
        moved = self.rows - before
        self._worked += moved
        # Sessions that tick leave no moment without a row.
        if self._worked >= _BURST_ROWS and moved < _QUIET_ROWS:
            self._worked = 0
            give_back()

    def _flush_batch(self) -> bool:
        """Move one batch, the oldest; True if there is more."""
        groups, more = self._reader.groups(rows=_BATCH_ROWS, size_bytes=_BATCH_BYTES)
        if self._safe.in_doubt:
            self._take_back()
        if not groups:
            return False
        by_table = groupby(sorted(groups, key=lambda g: g.table), lambda g: g.table)
        self._write_all({name: list(same) for name, same in by_table})
        versions = self.queue.versions() | self._safe.sync()  # read before the sync
        self._journal.forget(groups, versions, self._highest)
        self._note_files(versions)
        self.rows += sum(group.rows for group in groups)
        return more

    def _write_sums(self, *, all_of_them: bool) -> None:
        due = list(self.summing.due(all_of_them=all_of_them))
        for name, rows in due:
            self._write(name, rows)
            self.summing.written(name)
        if due:
            self._note_synced(self.queue.versions() | self._safe.sync())

    def _note_files(self, versions: Mapping[str, int]) -> None:
        """Note the checksums of the files of these versions, which are synced."""
        with self._noting:
            new, gone = self._sums.changes(versions)
            if new or gone:
                self._journal.call(lambda log: log.note_files(new, gone))

    def _take_back(self) -> None:
        for name in self._safe.settle():
            self._highest[name] = highest_number(self._tables[name][1])
            self.summing.count_anew(name)

    def _write_all(self, by_table: Mapping[str, list[Group]]) -> None:
        """Write each table's rows; those of derived tables last, after what they derive from."""
        derived: dict[str, list[pa.Table]] = {}
        for name, journalled in by_table.items():
            if name not in self._tables:
                self._aside.keep(journalled, f"there is no table {name}")
                continue
            table = self._tables[name][0]
            groups, rows = self._aside.fitting(table, self._aside.whole(journalled))
            if table.derived is None:
                self._write(name, rows)
                self.summing.took(name, rows)
            else:
                derived.setdefault(name, []).append(rows)
            for other, _ in self._tables.values():
                if other.derived is not None and other.derived.source == name:
                    made = derive(other, other.derived, groups, rows)
                    derived.setdefault(other.name, []).append(made)
        for name, parts in derived.items():
            self._write(name, pa.concat_tables(parts))

    def _write(self, name: str, rows: pa.Table) -> None:
        table, opened = self._tables[name]
        # Also where the newest row wins: a journal that lost its end shows older rows again.
        fresh = rows.filter(pc.greater(rows["journal_n"], self._highest[name]))
        if not fresh.num_rows:
            return
        self._safe.writes(name)
        if table.key is not None:
            merge_newest(opened, table.key, fresh)
        else:
            opened.add(fresh)
            self._compaction.added(name, fresh.num_rows)
            self._indexing.added(name, fresh.num_rows)
        self._highest[name] = pc.max(fresh["journal_n"]).as_py()

    @property
    def compacted_at(self) -> dict[str, datetime]:
        """When each table was last compacted here; without those that were not yet."""
        return {**self._compaction.compacted_at, **self.queue.compaction.compacted_at}

    def _index(self) -> None:
        mine = [pair for pair in self._tables.values() if pair[0].journalled]
        if self._indexing.run_due(mine, self._compaction.compacted_at):
            self._note_newest()

    def _compact(self) -> None:
        mine = [pair for pair in self._tables.values() if pair[0].journalled]
        if self._compaction.run_due(mine, self._safe.version):
            self._note_newest()
        self._index()
        if self._compaction.clean_due(mine, self._note_newest, self._folder.versions_held):
            self._note_newest()
        self.queue.compact()

    def _note_newest(self) -> None:
        self._safe.changed()
        self._note_synced(self.queue.versions() | self._safe.sync())

    def _note_synced(self, versions: Mapping[str, int]) -> None:
        self._journal.call(lambda log: log.note_synced(versions, self._highest))
        self._note_files(versions)
        give_back()


def _nothing(_log: NotingLog) -> None:
    """Wait for a turn, and do nothing in it."""
