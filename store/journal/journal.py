"""The journal: what the runtime writes is acknowledged here, many writers to one fsync."""

import asyncio
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import structlog

from reins import telemetry
from store.errors import JournalFailed
from store.journal import file as journal_file
from store.journal.file import Durable, Group, Record

_log = structlog.get_logger(__name__)
# A commit above either would make the others wait too long (and SQLite takes 1 GB at the most).
_MAX_GROUP = 4_000  # entries
_MAX_GROUP_BYTES = 32 << 20
_FORGOTTEN_AT_ONCE = 4_000  # rows
_KEPT_COMMITS = 256
_RESOLVED_AT_ONCE = 32
"""Callers that go on in one turn of the loop: a thousand at once would hold up everything else."""


class _Entry(NamedTuple):
    records: tuple[Record, ...]
    future: "asyncio.Future[None]"
    span: Any = None


@dataclass(frozen=True, slots=True)
class _Job:
    """Something else to be done on the writer's connection, in its turn."""

    work: Callable[[sqlite3.Connection], object]
    done: threading.Event
    error: list[BaseException]


class Journal:
    """A writer thread that commits whatever has gathered, then resolves the callers' futures.

    Starts once, on the loop whose futures it resolves. Wakes when something is submitted. `stop`
    commits what was submitted before it and ends the thread; what comes after it, and what still
    waits for room, is refused. A second stop does nothing.
    """

    def __init__(
        self, path: Path, *, durable: Durable = "power", max_pending: int = 100_000
    ) -> None:
        self._path = path
        self._durable = durable
        self._max_pending = max_pending
        self._inbox: queue.SimpleQueue[_Entry | _Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._alive = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._room = asyncio.Event()
        self._stopping = False
        self._safe: deque[tuple[asyncio.Future[None], str | None]] = deque()
        self.pending = 0
        self.commits = 0
        self.rows = 0
        self.failures = 0
        self.last_error: str | None = None
        """The error of the newest commit; None if it succeeded."""
        self._newest: deque[tuple[float, int]] = deque(maxlen=_KEPT_COMMITS)
        self.on_pending: Callable[[int], None] = lambda _rows: None
        self._listeners: list[Callable[[], object]] = []

    def start(self) -> None:
        """Open the file and start the writer. Raises: FolderUnusable."""
        if self._thread is not None:
            raise RuntimeError("the journal was started twice; make a new one")
        self._loop = asyncio.get_running_loop()
        connection = journal_file.open_for_writing(self._path, self._durable)
        self.pending = journal_file.pending_rows(connection)
        self._room.set()
        self._thread = threading.Thread(
            target=self._run, args=(connection,), name="journal", daemon=True
        )
        self._alive = True
        self._thread.start()

    async def stop(self) -> None:
        self._stopping = True
        self._room.set()
        if self._thread is not None and self._alive:
            self._inbox.put(None)
            await asyncio.to_thread(self._thread.join)

    def medians(self) -> tuple[float, float] | None:
        """Milliseconds and rows of the newest commits; None before the first."""
        newest = list(self._newest)
        if not newest:
            return None
        took_s, rows = zip(*newest, strict=True)
        return median(took_s) * 1_000, median(rows)

    @property
    def running(self) -> bool:
        """Whether records are taken in; not any more once it was told to stop."""
        return self._alive and not self._stopping

    def listen(self, wake: Callable[[], object]) -> Callable[[], None]:
        """Call `wake`, from the writer's thread, after each commit; returns what ends that."""
        self._listeners.append(wake)
        return lambda: self._listeners.remove(wake)

    async def append(self, *records: Record) -> None:
        """Return once the records are on disk, all of them or none.

        Waits for the flush while too much is pending. Raises: JournalFailed.
        """
        if self.pending >= self._max_pending:
            await self._wait_for_room()
        if not self.running:
            raise JournalFailed("the journal is not running; nothing was written")
        future = asyncio.get_running_loop().create_future()
        self._inbox.put(_Entry(records, future, telemetry.here() if telemetry.on else None))
        await future

    async def _wait_for_room(self) -> None:
        while self.running and self.pending >= self._max_pending:
            self._room.clear()
            self.on_pending(self.pending)
            await self._room.wait()

    def call(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Run `work` on the writer's connection, in its turn; from a thread that may block."""
        job = _Job(work, threading.Event(), [])
        self._inbox.put(job)
        while not job.done.wait(1.0):
            if not self._alive:
                raise JournalFailed("the journal is not running; nothing was written")
        if job.error:
            raise job.error[0]

    def forget(self, flushed: list[Group], versions: Mapping[str, int]) -> None:
        """Drop what is in the tables for good; `versions` are the tables' synced versions."""
        first, last = flushed[0].first, flushed[-1].last
        # In parts, so that the commits between them do not wait long.
        for upto in [*range(first + _FORGOTTEN_AT_ONCE, last, _FORGOTTEN_AT_ONCE), last]:
            self.call(partial(self._forget, upto, last, versions))
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._room.set)

    def _forget(
        self, upto: int, flushed: int, versions: Mapping[str, int], connection: sqlite3.Connection
    ) -> None:
        journal_file.forget(connection, upto, flushed, versions)
        # Asked, not counted: other processes append too, and nobody tells us.
        self.pending = journal_file.pending_rows(connection)

    def _run(self, connection: sqlite3.Connection) -> None:
        try:
            while self._turn(connection):
                pass
        finally:
            self._alive = False
            connection.close()

    def _turn(self, connection: sqlite3.Connection) -> bool:
        """Do what has gathered; False once told to stop."""
        entries, jobs, running = self._take()
        if entries:
            self._commit(connection, entries)
        for job in jobs:
            try:
                job.work(connection)
            except Exception as error:  # noqa: BLE001 - handed to the caller
                job.error.append(error)
            job.done.set()
        return running

    def _take(self) -> tuple[list[_Entry], list[_Job], bool]:
        """Everything that has gathered; blocks until there is something."""
        entries: list[_Entry] = []
        size_bytes = 0
        jobs: list[_Job] = []
        item = self._inbox.get()
        while True:
            match item:
                case _Entry():
                    entries.append(item)
                    size_bytes += sum(len(record.body) for record in item.records)
                case _Job():
                    jobs.append(item)
                case None:
                    return entries, jobs, False
            if len(entries) >= _MAX_GROUP or size_bytes >= _MAX_GROUP_BYTES:
                return entries, jobs, True
            try:
                item = self._inbox.get_nowait()
            except queue.Empty:
                return entries, jobs, True

    def _commit(self, connection: sqlite3.Connection, entries: list[_Entry]) -> None:
        error: str | None = None
        rows, began = 0, time.perf_counter()
        try:
            rows = journal_file.append(
                connection, [record for entry in entries for record in entry.records]
            )
            self._newest.append((time.perf_counter() - began, rows))
            self.pending += rows
            self.rows += rows
            self.commits += 1
            self.last_error = None
        except JournalFailed as failure:
            self.last_error = error = str(failure)
            self.failures += 1
            _log.error("journal commit failed", rows=len(entries), error=str(failure))
        took_s = time.perf_counter() - began
        futures = [entry.future for entry in entries]
        try:
            self._loop.call_soon_threadsafe(self._committed, futures, error)  # type: ignore[union-attr]
        except RuntimeError:
            _log.warning("journal committed after its loop had ended", rows=len(entries))
        if telemetry.on:
            telemetry.committed(took_s, rows, [entry.span for entry in entries], error or "")
        self.on_pending(self.pending)
        for wake in self._listeners:
            wake()

    def _committed(self, futures: list["asyncio.Future[None]"], error: str | None) -> None:
        idle = not self._safe
        self._safe.extend((future, error) for future in futures)
        if idle:
            self._resolve()

    def _resolve(self) -> None:
        for _ in range(min(_RESOLVED_AT_ONCE, len(self._safe))):
            future, error = self._safe.popleft()
            if future.done():
                continue  # its caller was cancelled; the row is safe all the same
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(JournalFailed(error))
        if self._safe and self._loop is not None:
            self._loop.call_soon(self._resolve)
