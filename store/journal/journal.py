"""The journal: what the runtime writes is acknowledged here, many writers to one fsync."""

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Protocol

import structlog

from reins import telemetry
from store.errors import JournalError
from store.journal.file import Group, Record
from store.journal.log import NotingLog, open_log
from store.journal.on_loop import MANY, OnLoop
from store.journal.opening import Durable
from store.journal.writer import NOT_RUNNING, Entry, Writer

_logger = structlog.get_logger(__name__)
_FORGOTTEN_AT_ONCE = 4_000  # rows
_KEPT_COMMITS = 256
_QUIET_S = 5.0
"""After a failed commit others mostly try again; where none has for this long, the flush does."""
_RESOLVED_AT_ONCE = 128
"""Callers that go on in one turn of the loop: a thousand at once would hold up everything else."""


class OpenLog(Protocol):
    """Opens a handle of the log; one that does not wait fails where another appends."""

    def __call__(self, path: Path, durable: Durable, /, *, waits: bool) -> NotingLog: ...


class Journal:
    """A writer thread that commits whatever has gathered, then resolves the callers' futures.

    What comes in one turn of the loop is handed over at its end, all at once; what came alone, or
    is many, the loop commits itself where that is quick (see `store.journal.on_loop`).

    Starts once, on the loop whose futures it resolves. Wakes when something is submitted. `stop`
    commits what was submitted before it and ends the thread; what comes after it, and what still
    waits for room, is refused. A second stop does nothing.
    """

    def __init__(
        self,
        path: Path,
        *,
        durable: Durable = "power",
        max_pending: int = 100_000,
        open_log: OpenLog = open_log,
    ) -> None:
        self._open_log = partial(open_log, path, durable)
        self._max_pending = max_pending
        self._writer: Writer | None = None
        self._on_loop: OnLoop | None = None
        self._gathered: list[Entry] = []
        self._handed = 0
        """Entries that the writer has, and has not answered yet."""
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
        self.committed_at: float | None = None
        """Unix time of the newest commit that succeeded."""
        self._failed_at = 0.0
        self._newest: deque[tuple[float, int]] = deque(maxlen=_KEPT_COMMITS)
        self.on_pending: Callable[[int], None] = lambda _rows: None
        self._listeners: list[Callable[[], object]] = []

    def start(self) -> None:
        """Open the log and start the writer. Raises: FolderUnusableError."""
        if self._writer is not None:
            raise RuntimeError("the journal was started twice; make a new one")
        self._loop = loop = asyncio.get_running_loop()
        log = self._open_log(waits=True)
        self.pending = log.pending_rows()
        self._room.set()
        working = threading.Lock()
        self._writer = Writer(log, partial(self._commit, loop, working), working)
        self._on_loop = OnLoop(self._open_log(waits=False), working, self._count)
        self._writer.start()

    async def stop(self) -> None:
        if self._writer is None:
            return
        self._stopping = True
        self._room.set()
        if self._gathered:
            self._writer.put(self._gathered)
            self._gathered = []
        await asyncio.to_thread(self._writer.stop)
        if self._on_loop is not None:
            self._on_loop.close()
            self._on_loop = None

    def medians(self) -> tuple[float, float] | None:
        """Milliseconds and rows of the newest commits; None before the first."""
        newest = list(self._newest)
        if not newest:
            return None
        took_s, rows = zip(*newest, strict=True)
        return median(took_s) * 1_000, median(rows)

    @property
    def running(self) -> bool:
        """True while records are taken in: not any more once `stop` was called."""
        return self._writer is not None and self._writer.running and not self._stopping

    def listen(self, wake: Callable[[], object]) -> Callable[[], None]:
        """Call `wake` after each commit, from the loop or the writer; returns what ends that."""
        self._listeners.append(wake)
        return lambda: self._listeners.remove(wake)

    def append(self, *records: Record) -> Awaitable[None]:
        """Hand the records in; what it gives is done once they are on disk, all of them or none.

        On the journal's loop. Waits for the flush while too much is pending. Raises: JournalError.
        """
        if self.pending >= self._max_pending:
            return self._append_later(records)
        return self._submit(records)

    async def _append_later(self, records: Sequence[Record]) -> None:
        while self.running and self.pending >= self._max_pending:
            self._room.clear()
            self.on_pending(self.pending)
            await self._room.wait()
        await self._submit(records)

    def _submit(self, records: Sequence[Record]) -> "asyncio.Future[None]":
        loop = self._loop
        if loop is None or not self.running:
            raise JournalError(NOT_RUNNING)
        future = loop.create_future()
        span = telemetry.here() if telemetry.on else None
        if not self._gathered:
            loop.call_soon(self._hand_over)
        self._gathered.append(Entry(records, future, span, time.perf_counter()))
        return future

    def _hand_over(self) -> None:
        """At the end of the turn: everyone who was to have one has had it."""
        entries, self._gathered = self._gathered, []
        if not entries or self._committed_here(entries):
            return
        if self._writer is not None:
            self._handed += len(entries)
            self._writer.put(entries)

    def _committed_here(self, entries: list[Entry]) -> bool:
        if self._handed or self._on_loop is None:
            return False  # others are before them
        if len(entries) < MANY and (len(entries) > 1 or self._safe):
            return False
        if (committed := self._on_loop.commit(entries)) is None:
            return False
        self._committed([entry.future for entry in entries], None)
        self._tell(entries, *committed, None)
        return True

    def retry_failed(self) -> None:
        """Where the newest commit failed and nobody has tried since, see if one succeeds now.

        From a thread that may block.
        """
        if self.last_error is not None and time.monotonic() - self._failed_at >= _QUIET_S:
            self.call(self._write_nothing)

    def _write_nothing(self, log: NotingLog) -> None:
        try:
            log.raise_flushed(0)  # a commit that changes nothing
            self.last_error = None
        except (JournalError, sqlite3.Error, OSError):
            self.failures += 1
            self._failed_at = time.monotonic()

    def call(self, work: Callable[[NotingLog], object]) -> None:
        """Run `work` on the writer's handle, in its turn; from a thread that may block."""
        if self._writer is None:
            raise JournalError(NOT_RUNNING)
        self._writer.call(work)

    def forget(
        self, flushed: list[Group], versions: Mapping[str, int], highest: Mapping[str, int]
    ) -> None:
        """Drop what is in the tables for good; `versions` are the tables' synced versions,
        `highest` the numbers in them.
        """
        first, last = flushed[0].first, flushed[-1].last
        # In parts, so that the commits between them do not wait long.
        for upto in [*range(first + _FORGOTTEN_AT_ONCE, last, _FORGOTTEN_AT_ONCE), last]:
            self.call(partial(self._forget, upto, last, versions, highest))
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._room.set)

    def _forget(
        self,
        upto: int,
        flushed: int,
        versions: Mapping[str, int],
        highest: Mapping[str, int],
        log: NotingLog,
    ) -> None:
        log.forget(upto, flushed, versions, highest)
        # Asked, not counted: other processes append too, and nobody tells us.
        self.pending = log.pending_rows()

    def _commit(
        self,
        loop: asyncio.AbstractEventLoop,
        working: threading.Lock,
        log: NotingLog,
        entries: list[Entry],
    ) -> None:
        error: str | None = None
        rows, began = 0, time.perf_counter()
        try:
            records = [record for entry in entries for record in entry.records]
            with working:
                rows = log.append(records)
                self._count(rows, time.perf_counter() - began)
                if self._on_loop is not None:
                    self._on_loop.writer_committed()
        except JournalError as failure:
            self.last_error = error = str(failure)
            self._failed_at = time.monotonic()
            self.failures += 1
        if error:
            _logger.error("journal commit failed", rows=len(entries), error=error)
        took_s = time.perf_counter() - began
        futures = [entry.future for entry in entries]
        try:
            loop.call_soon_threadsafe(self._answered, futures, error)
        except RuntimeError:
            _logger.warning("journal committed after its loop had ended", rows=len(entries))
        self._tell(entries, rows, took_s, error)

    def _count(self, rows: int, took_s: float) -> None:
        """Count a commit that succeeded; one at a time, in whichever thread it was made."""
        self._newest.append((took_s, rows))
        self.pending += rows
        self.rows += rows
        self.commits += 1
        self.committed_at = time.time()
        self.last_error = None

    def _tell(self, entries: list[Entry], rows: int, took_s: float, error: str | None) -> None:
        if telemetry.on:
            telemetry.committed(took_s, rows, [entry.span for entry in entries], error or "")
        self.on_pending(self.pending)
        for wake in self._listeners:
            wake()

    def _answered(self, futures: list["asyncio.Future[None]"], error: str | None) -> None:
        self._handed -= len(futures)
        self._committed(futures, error)

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
                future.set_exception(JournalError(error))
        if self._safe and self._loop is not None:
            self._loop.call_soon(self._resolve)
