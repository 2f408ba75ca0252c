"""The queue's table: actions appended by any process, marked processed by the worker alone."""

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import structlog
from lancedb.table import AsyncTable, LanceTable
from watchdog.events import (
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from reins import jitter
from store import times
from store.errors import StoreError
from store.folder import DataFolder
from store.journal.rows import as_arrow
from store.lance.tables import STAMP, TEXT, Table, connect, open_or_make, quoted

_logger = structlog.get_logger(__name__)
_TRIES = 8

TABLE = Table(
    "queue",
    pa.schema(
        [
            ("action_id", TEXT),
            ("type", TEXT),
            ("agent_id", TEXT),
            ("session_id", TEXT),
            ("actor", TEXT),
            ("created_at", STAMP),
            ("urgency", pa.int64()),
            ("description", TEXT),
            ("payload", TEXT),
            ("metadata", TEXT),
            ("processed", pa.bool_()),
            ("processed_at", STAMP),
            ("outcome", TEXT),
            ("error", TEXT),
            ("applied_seq", pa.int64()),
        ]
    ),
    key="action_id",
    indices={"processed": "BITMAP", "action_id": "BTREE"},
    compact_commits=32,  # it is queried for each commit of another process
)
Row = dict[str, Any]
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

    def __init__(self, folder: Path | str) -> None:
        self._folder = DataFolder(folder)
        self._commit_lock = threading.Lock()
        self._gathering_lock = threading.Lock()
        self._gathering: list[_Waiting] = []
        self._table: LanceTable | None = None
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
        mine = _Waiting(rows, as_arrow(TABLE, *rows))
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
        if self._table is None:
            self._folder.prepare()
            self._table = open_or_make(connect(self._folder.path), TABLE)
        for left in reversed(range(_TRIES)):
            try:
                version = int(self._table.add(rows).version)
                break
            except RuntimeError as error:
                # Many processes appending at once: LanceDB gives up after its own retries.
                if "commit" not in str(error).lower() or not left:
                    raise
                time.sleep(jitter.between(0.005, 0.05))
        self._folder.sync()
        return version


@functools.lru_cache(maxsize=64)
def writer_at(path: Path) -> QueueWriter:
    """The one writer of this process for a folder, so that its threads share commits."""
    return QueueWriter(path)


async def unprocessed(table: AsyncTable, limit: int, but: Collection[str] = ()) -> list[Row]:
    """Actions not yet processed `but` those ids, the most urgent first, then the oldest."""
    found = await table.query().where("processed = false").to_arrow()
    if but:  # before any of them becomes a Python object
        found = found.filter(pc.invert(pc.is_in(found["action_id"], pa.array(but, TEXT))))
    rows: list[Row] = found.sort_by(
        [("urgency", "descending"), ("created_at", "ascending"), ("action_id", "ascending")]
    )[:limit].to_pylist()
    return rows


async def mark(table: AsyncTable, rows: list[Row]) -> int:
    """Replace the actions' rows, by `action_id`, in one commit; returns its version."""
    data = pa.Table.from_pylist(rows, schema=TABLE.schema)
    merge = table.merge_insert("action_id").when_matched_update_all()
    return int((await merge.execute(data)).version)


def find(table: LanceTable, action_id: str) -> Row | None:
    rows: list[Row] = table.search().where(f"action_id = {quoted(action_id)}").limit(1).to_list()
    return rows[0] if rows else None


def changed_since(table: LanceTable, at: datetime) -> list[Row]:
    """Actions created or processed at `at` or later, the oldest first."""
    then = times.literal(at)
    where = f"created_at >= {then} OR processed_at >= {then}"
    rows: list[Row] = table.search().where(where).limit(None).to_list()
    return sorted(rows, key=lambda row: (row["created_at"], row["action_id"]))


def watch(folder: Path, wake: Callable[[], object]) -> Callable[[], None]:
    """Call `wake`, from a thread, at each commit to the queue by any process; returns what ends it.

    Costs nothing while nothing happens. Where it cannot be, a safety poll has to do.
    """
    observer = Observer()
    kinds = [FileCreatedEvent, FileMovedEvent]  # reading a table opens files, and must not wake
    try:
        observer.schedule(
            _Waker(wake), str(folder / f"{TABLE.name}.lance" / "_versions"), event_filter=kinds
        )
        observer.start()
    except OSError as error:
        _logger.warning("the queue is polled, not watched", error=str(error)[:300])
        return lambda: None
    return lambda: _end(observer)


class _Waker(FileSystemEventHandler):
    def __init__(self, wake: Callable[[], object]) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        del event
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._wake()


def _end(observer: BaseObserver) -> None:
    observer.stop()
    observer.join()
