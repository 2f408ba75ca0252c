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
        table, barrier = self._table, self._barrier
        first = self._folder.counter(NUMBER, partial(_highest, table)).take(rows.num_rows)
        numbers = pa.array(range(first, first + rows.num_rows), pa.int64())
        rows = rows.set_column(rows.schema.get_field_index(NUMBER), NUMBER, numbers)
        version = _committed(partial(table.add, rows))
        try:
            barrier.sync()
        except OSError as error:
            _logger.warning("the queue was not synced and is written again", error=str(error))
            version = _add_again(table, rows, barrier)
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


def _add_again(table: OpenTable, rows: pa.Table, barrier: Barrier) -> int:
    """Write rows anew whose sync failed, where nobody has marked them. See `Barrier`."""
    merge = table.merge_insert("action_id").when_not_matched_insert_all()
    merge = merge.when_matched_update_all(where=f"target.processed = false AND ({SAME_ROW})")
    try:
        version = _committed(partial(merge.execute, rows))
        barrier.sync()
    except (OSError, RuntimeError, ValueError) as error:
        ids = ", ".join(rows["action_id"].to_pylist()[:3])
        raise OutcomeUnknownError(
            f"action {ids} is in the queue, but may not survive a loss of power: the disk could "
            f"not be synced ({error}). Ask for its receipt, or send it again under the same id."
        ) from error
    return version


def write_again(table: OpenTable, version: int) -> None:
    """Write all rows anew that the table had at a version, as they stand now.

    For what was written since may not be on disk: see `Barrier`.
    """
    table.checkout(version)
    try:
        before = table.search().select(["action_id"]).limit(None).to_arrow()["action_id"]
    finally:
        table.checkout_latest()
    now = table.search().limit(None).to_arrow()
    _put(table, now.filter(pc.is_in(now["action_id"], before.combine_chunks())))


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
    """Write rows anew, of an action and its repetition the one with the outcome."""
    by_outcome = sorted(rows.to_pylist(), key=lambda row: bool(row["processed"]))
    left = list({(row["action_id"], row["created_at"]): row for row in by_outcome}.values())
    while left:  # one commit holds each id once
        ids = {row["action_id"]: row for row in left}
        merge = table.merge_insert("action_id").when_matched_update_all(where=SAME_ROW)
        merge.execute(pa.Table.from_pylist(list(ids.values()), schema=TABLE.schema))
        left = [row for row in left if ids[row["action_id"]] is not row]


@functools.lru_cache(maxsize=64)
def _writer_at(folder: DataFolder) -> QueueWriter:
    return QueueWriter(folder)


def writer_at(folder: DataFolder | Path) -> QueueWriter:
    """The one writer of this process for a folder, so that its threads share commits."""
    return _writer_at(folder if isinstance(folder, DataFolder) else DataFolder(folder))
