"""The queue's writer, in any process: actions are appended durably, many to one commit."""

import contextlib
import functools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from reins import jitter, redaction
from store.barrier import Barrier
from store.errors import OutcomeUnknownError, StoreError
from store.folder import DataFolder
from store.journal.rows import as_arrow
from store.lance.opening import OpenTable
from store.lance.ordering import ROW_ID
from store.lance.tables import complete
from store.queue import NUMBER, SAME_ROW, TABLE, Row

_logger = structlog.get_logger(__name__)
_TRIES = 8
Listener = Callable[[list[Row], int], object]


@dataclass(slots=True, eq=False)
class _Waiting:
    rows: tuple[Row, ...]
    data: pa.Table
    done: bool = False
    error: StoreError | None = field(default=None)


class QueueWriter:
    """Appends actions durably; threads that append at the same moment share one commit.

    The first thread in commits for all who are waiting: no thread of its own to start or stop.
    """

    def __init__(self, folder: DataFolder | Path | str) -> None:
        self._folder = folder if isinstance(folder, DataFolder) else DataFolder(folder)
        self._commit_lock = threading.Lock()
        self._gathering_lock = threading.Lock()
        self._gathering: list[_Waiting] = []
        self._table: OpenTable | None = None
        self._barrier: Barrier | None = None
        self._safe: int | None = None
        """The version of the table when it was last on disk for good."""
        self._listeners: list[Listener] = []
        self.failures = 0
        self.last_failure: tuple[float, str] | None = None
        """Monotonic time and error of the newest commit, where it failed."""

    def append(self, *rows: Row) -> None:
        """Return once the actions are on disk, all of them or none.

        Raises: StoreError (none is acknowledged).
        """
        if not rows:
            return
        # The worker beside us gets these very rows: it must not apply what is not on record.
        rows = tuple(map(redaction.redactor().row, rows))
        mine = _Waiting(rows, as_arrow(TABLE, *({**row, NUMBER: None} for row in rows)))
        with self._gathering_lock:
            self._gathering.append(mine)
        with self._commit_lock:
            if not mine.done:
                with self._gathering_lock:
                    batch, self._gathering = self._gathering, []
                self._commit(batch)
        if mine.error is not None:
            raise mine.error

    def listen(self, arrived: Listener) -> Callable[[], None]:
        """Call `arrived` with the actions of each commit of this process, and its version.

        Returns what ends that.
        """
        self._listeners.append(arrived)
        return lambda: self._listeners.remove(arrived)

    def _commit(self, batch: list[_Waiting]) -> None:
        # Whatever ends this commit early, nobody in it may take it for done.
        error: StoreError | None = StoreError("the commit of the action was broken off")
        try:
            version = self._add(pa.concat_tables([waiting.data for waiting in batch]))
            error = None
        except OutcomeUnknownError as failure:
            error = failure
        except (OSError, MemoryError, RuntimeError, ValueError, StoreError) as failure:
            self._table = None
            error = StoreError(
                f"the action could not be written to the queue in {self._folder.path}: {failure}. "
                "It is not acknowledged; mend the cause and send it again."
            )
        finally:
            for waiting in batch:
                waiting.done, waiting.error = True, error
            self.failures += error is not None
            self.last_failure = None if error is None else (time.monotonic(), str(error))
        if error is None:
            for arrived in list(self._listeners):
                with contextlib.suppress(RuntimeError):  # its loop has ended; the action is safe
                    arrived([row for waiting in batch for row in waiting.rows], version)

    def _add(self, rows: pa.Table) -> int:
        if self._table is None or self._barrier is None:
            self._folder.prepare()
            self._barrier = self._folder.barrier()  # before anything is written
            self._table = _opened(self._folder)
        table = self._table
        first = self._folder.counter(NUMBER, partial(_highest, table)).take(rows.num_rows)
        numbers = pa.array(range(first, first + rows.num_rows), pa.int64())
        rows = rows.set_column(rows.schema.get_field_index(NUMBER), NUMBER, numbers)
        safe = table.version if self._safe is None else self._safe
        version = _committed(partial(table.add, rows))
        self._safe = safe
        try:
            self._barrier.sync()
        except OSError as error:
            _logger.warning("the queue was not synced and is written again", error=str(error))
            version = self._add_again(table, rows["action_id"].to_pylist(), self._barrier)
        self._safe = version
        return version

    def _add_again(self, table: OpenTable, action_ids: list[str], barrier: Barrier) -> int:
        """Do what was written since the last sync that did not fail again. See `Barrier`."""
        try:
            write_again(table, self._safe or table.version)
            version = table.version
            barrier.sync()
        except (OSError, RuntimeError, ValueError) as error:
            raise OutcomeUnknownError(
                f"action {', '.join(action_ids[:3])} is in the queue, but may not survive a loss "
                f"of power: the disk could not be synced ({error}). Ask for its receipt, or send "
                "it again under the same id."
            ) from error
        return version


def _opened(folder: DataFolder) -> OpenTable:
    table = folder.open_tables().open_or_make(TABLE)
    if NUMBER not in table.schema.names:  # made by an older Reins, and no worker ran since
        try:
            complete(table, TABLE)
        except (OSError, RuntimeError, ValueError):
            if NUMBER not in table.schema.names:  # no other process was faster
                raise
    return table


def _highest(table: OpenTable) -> int:
    return pc.max(table.search().select([NUMBER]).limit(None).to_arrow()[NUMBER]).as_py() or 0


def _committed(commit: Callable[[], Any]) -> int:
    """Commit beside other processes; returns the version."""
    for left in reversed(range(_TRIES)):
        try:
            return int(commit().version)
        except RuntimeError as error:
            # Many processes appending at once: LanceDB gives up after its own retries.
            if "commit" not in str(error).lower() or not left:
                raise
            time.sleep(jitter.between(0.005, 0.05))
    raise AssertionError("unreachable")


def write_again(table: OpenTable, version: int) -> None:
    """Move every row out of the files that were written since a version.

    For they may not be on disk, although they are read: see `Barrier`. A fragment of which rows
    were replaced since has such a file too; all of its rows move, and it goes.
    """
    table.checkout(version)
    try:
        before = _rows_by_fragment(_located(table))
    finally:
        table.checkout_latest()
    located = _located(table)
    now = _rows_by_fragment(located)
    changed = [number for number, rows in now.items() if before.get(number) != rows]
    fragments = pc.shift_right(located[ROW_ID], 32)
    moving = located.filter(pc.is_in(fragments, pa.array(changed, fragments.type)))
    ids = moving["action_id"].combine_chunks()
    rows = table.search().limit(None).to_arrow()
    _put(table, rows.filter(pc.is_in(rows["action_id"], ids)))


def _located(table: OpenTable) -> pa.Table:
    query = table.search().select(["action_id"]).with_row_id(with_row_id=True)
    return query.limit(None).to_arrow()


def _rows_by_fragment(located: pa.Table) -> dict[int, int]:
    counted = pc.value_counts(pc.shift_right(located[ROW_ID], 32))
    return {one["values"]: one["counts"] for one in counted.to_pylist()}


def mark_again(table: OpenTable, version: int) -> None:
    """Write the rows anew that were marked since a version, by a worker that is gone."""
    try:
        table.checkout(version)
        query = table.search().select(["action_id"]).where("processed = false")
        before = query.limit(None).to_arrow()["action_id"].combine_chunks()
    finally:
        table.checkout_latest()
    marked = table.search().where("processed = true").limit(None).to_arrow()
    _put(table, marked.filter(pc.is_in(marked["action_id"], before)))


def _put(table: OpenTable, rows: pa.Table) -> None:
    """Write rows anew, but those that are marked meanwhile: that has moved them."""
    left = rows.to_pylist()
    same = f"({SAME_ROW}) AND target.processed = source.processed"
    while left:  # one commit holds each id once
        ids = {row["action_id"]: row for row in left}
        merge = table.merge_insert("action_id").when_matched_update_all(where=same)
        data = pa.Table.from_pylist(list(ids.values()), schema=TABLE.schema)
        _committed(partial(merge.execute, data))
        kinds = {(i, row["created_at"], row["processed"]) for i, row in ids.items()}
        left = [r for r in left if (r["action_id"], r["created_at"], r["processed"]) not in kinds]


@functools.lru_cache(maxsize=64)
def _writer_at(folder: DataFolder) -> QueueWriter:
    return QueueWriter(folder)


def writer_at(folder: DataFolder | Path) -> QueueWriter:
    """The one writer of this process for a folder, so that its threads share commits."""
    return _writer_at(folder if isinstance(folder, DataFolder) else DataFolder(folder))
