"""The queue's table: actions appended by any process, marked processed by the worker alone."""

import contextlib
import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from reins import jitter
from store import times
from store.barrier import Barrier
from store.errors import OutcomeUnknownError, StoreError
from store.folder import DataFolder
from store.journal.rows import as_arrow
from store.lance.opening import AsyncOpenTable, OpenTable
from store.lance.ordering import in_commit_order
from store.lance.tables import STAMP, TEXT, Table, quoted

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
CONTENT = ("type", "agent_id", "session_id", "actor", "payload")
"""The columns that say what an action asks for."""
_SAME_ROW = (
    "target.created_at = source.created_at"
    " OR (target.created_at IS NULL AND source.created_at IS NULL)"
)
"""Tells apart rows of one id, whose content may be on record without its secrets."""
ID_REUSED = "this action_id was used before"
"""How the error of an action begins that has the id of another."""
_LISTED = 500
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

    def __init__(self, folder: DataFolder | Path | str) -> None:
        self._folder = folder if isinstance(folder, DataFolder) else DataFolder(folder)
        self._commit_lock = threading.Lock()
        self._gathering_lock = threading.Lock()
        self._gathering: list[_Waiting] = []
        self._table: OpenTable | None = None
        self._barrier: Barrier | None = None
        self._listeners: list[Listener] = []

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
        except OutcomeUnknownError as failure:
            error = failure
        except (OSError, RuntimeError, ValueError, StoreError) as failure:
            self._table = None
            error = StoreError(
                f"the action could not be written to the queue in {self._folder.path}: {failure}. "
                "It is not acknowledged; mend the cause and send it again."
            )
        finally:
            for waiting in batch:
                waiting.done, waiting.error = True, error
        if error is None:
            for arrived in list(self._listeners):
                with contextlib.suppress(RuntimeError):  # its loop has ended; the action is safe
                    arrived([row for waiting in batch for row in waiting.rows], version)

    def _add(self, rows: pa.Table) -> int:
        if self._table is None or self._barrier is None:
            self._folder.prepare()
            self._barrier = self._folder.barrier()  # before anything is written
            self._table = self._folder.open_tables().open_or_make(TABLE)
        table, barrier = self._table, self._barrier
        version = _committed(partial(table.add, rows))
        try:
            barrier.sync()
        except OSError as error:
            _logger.warning("the queue was not synced and is written again", error=str(error))
            version = _add_again(table, rows, barrier)
        return version


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
    merge = merge.when_matched_update_all(where="target.processed = false")
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
    left = now.filter(pc.is_in(now["action_id"], before.combine_chunks())).to_pylist()
    while left:  # one commit holds each id once
        ids = {row["action_id"]: row for row in reversed(left)}
        merge = table.merge_insert("action_id").when_matched_update_all(where=_SAME_ROW)
        merge.execute(pa.Table.from_pylist(list(ids.values()), schema=TABLE.schema))
        left = [row for row in left if ids[row["action_id"]] is not row]


@functools.lru_cache(maxsize=64)
def _writer_at(folder: DataFolder) -> QueueWriter:
    return QueueWriter(folder)


def writer_at(folder: DataFolder | Path) -> QueueWriter:
    """The one writer of this process for a folder, so that its threads share commits."""
    return _writer_at(folder if isinstance(folder, DataFolder) else DataFolder(folder))


async def waiting(table: AsyncOpenTable, but: Collection[str] = ()) -> list[Row]:
    """Actions not yet processed, in the order of their commit, `but` those ids.

    Of several rows with an id of `but` the first is left out: the others are repetitions.
    """
    found = None
    while found is None:
        query = table.query().where("processed = false").with_row_id()
        found = await in_commit_order(table, await query.to_arrow())
    if but:  # before any of them becomes a Python object
        seen: set[str] = set()
        kept = [_is_new(action_id, but, seen) for action_id in found["action_id"].to_pylist()]
        found = found.filter(pa.array(kept, pa.bool_()))
    rows: list[Row] = found.to_pylist()
    return rows


def _is_new(action_id: str, but: Collection[str], seen: set[str]) -> bool:
    new = action_id not in but or action_id in seen
    seen.add(action_id)
    return new


async def unprocessed(table: AsyncOpenTable, limit: int, but: Collection[str] = ()) -> list[Row]:
    """Actions not yet processed `but` those ids, the most urgent first, then in order of commit."""
    rows = [row for row in await waiting(table, but) if row["action_id"] not in but]
    return sorted(rows, key=lambda row: -(row["urgency"] or 0))[:limit]


async def answered(table: AsyncOpenTable, action_ids: Sequence[str]) -> dict[str, Row]:
    """The processed actions among those ids; of several with one id, the one taken up."""
    if len(action_ids) > _LISTED:  # too many for a filter
        ids = await table.query().where("processed = true").select(["action_id"]).to_arrow()
        named = pc.is_in(ids["action_id"], pa.array(action_ids, TEXT))
        action_ids = pc.unique(ids["action_id"].filter(named)).to_pylist()
    found: dict[str, list[Row]] = defaultdict(list)
    for begin in range(0, len(action_ids), _LISTED):
        listed = ", ".join(map(quoted, action_ids[begin : begin + _LISTED]))
        query = table.query().where(f"processed = true AND action_id IN ({listed})")
        for row in (await query.to_arrow()).to_pylist():
            found[row["action_id"]].append(row)
    return {action_id: taken_up(rows) for action_id, rows in found.items()}


async def mark(table: AsyncOpenTable, rows: list[Row]) -> int:
    """Replace the actions' rows, each by its id and time, in one commit; returns its version."""
    data = pa.Table.from_pylist(rows, schema=TABLE.schema)
    merge = table.merge_insert("action_id").when_matched_update_all(where=_SAME_ROW)
    return int((await merge.execute(data)).version)


def same_content(row: Row, other: Row) -> bool:
    """True if both ask for the same: one of them is the other, sent again."""
    return all(row[column] == other[column] for column in CONTENT)


def taken_up(rows: Sequence[Row]) -> Row:
    """Of the rows with one id, the one whose outcome is the id's: an id is taken up once."""
    return min(
        rows, key=lambda row: ((row["error"] or "").startswith(ID_REUSED), not row["processed"])
    )


def find(table: OpenTable, action_id: str) -> Row | None:
    rows: list[Row] = table.search().where(f"action_id = {quoted(action_id)}").limit(None).to_list()
    return taken_up(rows) if rows else None


def changed_since(table: OpenTable, at: datetime) -> list[Row]:
    """Actions created or processed at `at` or later, the oldest first."""
    then = times.literal(at)
    where = f"created_at >= {then} OR processed_at >= {then}"
    rows: list[Row] = table.search().where(where).limit(None).to_list()
    return sorted(rows, key=lambda row: (row["created_at"], row["action_id"]))
