"""The queue's writer, in any process: actions are appended durably, many to one commit."""

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from reins import redaction
from store.barrier import Barrier
from store.errors import OutcomeUnknownError, StoreError
from store.folder import DataFolder
from store.journal.rows import as_arrow
from store.lance.opening import OpenTable
from store.lance.tables import complete
from store.queue import NUMBER, TABLE, Row
from store.queue_rewriting import committed, put, write_again

_logger = structlog.get_logger(__name__)
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
        """The version of the table when a sync last succeeded here; None: nothing is proven."""
        self._in_doubt = False
        """True after a sync that failed: what anybody wrote since may not be on disk."""
        self._failed = 0
        """Syncs that had failed, by any process, when this one last looked."""
        self._listeners: list[Listener] = []
        self.failures = 0
        self.last_failure: tuple[float, str] | None = None
        """Monotonic time and error of the newest commit, where it failed."""

    def append(self, *rows: Row) -> None:
        """Return once the actions are on disk, all of them or none.

        Raises: StoreError (none is acknowledged), OutcomeUnknownError (they may be in the queue;
        sent again under the same ids, they have one effect).
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

    def confirm(self, *rows: Row) -> None:
        """Return once actions that were found in the queue are on disk: who wrote them may have
        failed to sync them.

        Raises: OutcomeUnknownError.
        """
        left = [row for row in rows if not row["processed"]]  # the worker syncs what it marks
        if not left:
            return
        data = as_arrow(TABLE, *map(redaction.redactor().row, left))
        with self._commit_lock:
            try:
                table, barrier = self._open()
                self._settle(table)
                put(table, data)
                version = table.version
                self._in_doubt = True
                barrier.sync()
                self._proven(version)
            except (OSError, RuntimeError, ValueError, StoreError) as error:
                self._table = None
                raise _unknown(left, error) from error

    def listen(self, arrived: Listener) -> Callable[[], None]:
        """Call `arrived` with the actions of each commit of this process, and its version.

        Returns what ends that.
        """
        self._listeners.append(arrived)
        return lambda: self._listeners.remove(arrived)

    def _commit(self, batch: list[_Waiting]) -> None:
        # Whatever ends this commit early, nobody in it may take it for done.
        error: StoreError | None = StoreError("the commit of the action was broken off")
        number, version = 0, 0
        try:
            number, version = self._add(pa.concat_tables([waiting.data for waiting in batch]))
            error = None
        except OutcomeUnknownError as failure:
            self._table = None
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
                if isinstance(error, OutcomeUnknownError):  # each is told of its own
                    waiting.error = _unknown(waiting.rows, error)
            self.failures += error is not None
            self.last_failure = None if error is None else (time.monotonic(), str(error))
        if error is None:
            rows = (row for waiting in batch for row in waiting.rows)
            numbered = [{**row, NUMBER: n} for n, row in enumerate(rows, number)]
            for arrived in list(self._listeners):
                with contextlib.suppress(RuntimeError):  # its loop has ended; the action is safe
                    arrived(numbered, version)

    def _open(self) -> tuple[OpenTable, Barrier]:
        if self._barrier is None:
            self._folder.prepare()
            self._barrier = self._folder.barrier()  # before anything is written
            self._in_doubt = self._folder.failed_syncs.unsettled  # which it may not be told of
        if self._table is None:
            self._folder.prepare()
            self._table = _opened(self._folder)
        return self._table, self._barrier

    def _add(self, rows: pa.Table) -> tuple[int, int]:
        """Commit and sync; returns the first row's number, and the version."""
        table, barrier = self._open()
        first = self._folder.counter(NUMBER, partial(_highest, table)).take(rows.num_rows)
        numbers = pa.array(range(first, first + rows.num_rows), pa.int64())
        rows = rows.set_column(rows.schema.get_field_index(NUMBER), NUMBER, numbers)
        try:
            self._settle(table)
            version = committed(partial(table.add, rows))
            barrier.sync()
        except (OSError, RuntimeError) as error:
            # A commit may be in although it failed; where its sync failed, it is not on disk.
            if not _is_in(table, rows):
                raise
            _logger.warning("the queue was not synced and is written again", error=str(error))
            self._in_doubt = True
            version = self._settled(table, barrier)
        self._proven(version)
        return first, version

    def _proven(self, version: int) -> None:
        if self._in_doubt:
            self._folder.failed_syncs.settle(self._failed)
        self._safe, self._in_doubt = version, False

    def _settle(self, table: OpenTable) -> None:
        """Do again what was written since the last sync that succeeded, where that is in doubt."""
        if self._in_doubt:
            self._failed = self._folder.failed_syncs.count
            write_again(table, self._safe)
        elif self._safe is None:
            self._safe = table.version

    def _settled(self, table: OpenTable, barrier: Barrier) -> int:
        """The same, with its sync; returns the version. Raises: OutcomeUnknownError."""
        try:
            self._settle(table)
            version = table.version
            barrier.sync()
        except (OSError, RuntimeError, ValueError) as error:
            raise OutcomeUnknownError(str(error)) from error
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


def _is_in(table: OpenTable, rows: pa.Table) -> bool:
    """True if the table has the rows, all of one commit.

    Raises: OutcomeUnknownError.
    """
    try:
        number = rows[NUMBER][0].as_py()
        return table.count_rows(f"{NUMBER} = {number}") > 0
    except (OSError, RuntimeError, ValueError) as error:
        raise OutcomeUnknownError(str(error)) from error


def _unknown(rows: Sequence[Row], error: Exception) -> OutcomeUnknownError:
    ids = ", ".join(str(row["action_id"]) for row in rows)
    return OutcomeUnknownError(
        f"action {ids[:300]} is not acknowledged: it may be in the queue, and may not survive a "
        f"loss of power ({error}). Ask for its receipt, or send it again under the same id: it "
        "has one effect all the same."
    )


@functools.lru_cache(maxsize=64)
def _writer_at(folder: DataFolder) -> QueueWriter:
    return QueueWriter(folder)


def writer_at(folder: DataFolder | Path) -> QueueWriter:
    """The one writer of this process for a folder, so that its threads share commits."""
    return _writer_at(folder if isinstance(folder, DataFolder) else DataFolder(folder))
