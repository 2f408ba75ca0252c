"""The journal's thread: everything on the one handle that appends, in turn."""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from reins.loops import ThreadLoop
from store.errors import JournalError
from store.journal.file import Record
from store.journal.log import NotingLog

# A commit above either would make the others wait too long (and SQLite takes 1 GB at the most).
_MAX_GROUP = 4_000  # entries
_MAX_GROUP_BYTES = 32 << 20
NOT_RUNNING = "the journal is not running; nothing was written"


class Entry(NamedTuple):
    """Records to commit together, and the future of the caller that waits for it."""

    records: Sequence[Record]
    future: "asyncio.Future[None]"
    span: Any = None
    came: float = 0.0

    @property
    def size_bytes(self) -> int:
        return sum(len(record.body) for record in self.records)


@dataclass(frozen=True, slots=True)
class _Job:
    """Other work for the writer's handle of the log, in its turn."""

    work: Callable[[NotingLog], object]
    done: threading.Event
    error: list[BaseException]


class Writer(ThreadLoop):
    """Commits whatever has gathered, without a fixed wait: its queue is what wakes it.

    `stop` commits what was put before it, closes the log and ends. An unexpected error ends
    the thread: what it was about to commit is not known to be on disk.
    """

    def __init__(
        self,
        log: NotingLog,
        commit: Callable[[NotingLog, list[Entry]], None],
        working: threading.Lock,
    ) -> None:
        """`working` is held while the log is written to and what was written is counted."""
        super().__init__("journal")
        self._log = log
        self._commit = commit
        self._queue: queue.SimpleQueue[list[Entry] | _Job | None] = queue.SimpleQueue()
        self._left: list[Entry] = []
        """Entries that were too many for the commit before."""
        self._working = working
        self._drained = False

    def put(self, entries: list[Entry]) -> None:
        """Commit these, with whatever else has gathered."""
        self._queue.put(entries)

    def call(self, work: Callable[[NotingLog], object]) -> None:
        """Run `work` in its turn and return when it is done; raises what it raised."""
        job = _Job(work, threading.Event(), [])
        self._queue.put(job)
        while not job.done.wait(1.0):
            if not self.running:
                raise JournalError(NOT_RUNNING)
        if job.error:
            raise job.error[0]

    def wake(self) -> None:
        self._queue.put(None)

    def run_once(self) -> float:
        entries, jobs = self._take()
        if entries:
            self._commit(self._log, entries)
        for job in jobs:
            try:
                with self._working:
                    job.work(self._log)
            except Exception as error:  # noqa: BLE001 - handed to the caller
                job.error.append(error)
            job.done.set()
        return 0.0

    def failed(self, error: Exception) -> float:
        raise error

    def finish(self) -> None:
        try:
            while self.stopping and not self._drained:
                self.run_once()
        finally:
            self._log.close()

    def _take(self) -> tuple[list[Entry], list[_Job]]:
        """Everything that has gathered; blocks until there is something."""
        entries: list[Entry] = []
        size_bytes = 0
        jobs: list[_Job] = []
        item = self._left or self._queue.get()
        self._left = []
        while True:
            match item:
                case list():
                    for number, entry in enumerate(item):
                        if len(entries) >= _MAX_GROUP or size_bytes >= _MAX_GROUP_BYTES:
                            self._left = item[number:]
                            return entries, jobs
                        entries.append(entry)
                        size_bytes += entry.size_bytes
                case _Job():
                    jobs.append(item)
                case None:
                    self._drained = True
                    return entries, jobs
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return entries, jobs
