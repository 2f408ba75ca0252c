"""The store as its owner sees it: repaired, complete, with the journal and the flush running."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from reins.shutdown import AsyncShutdown
from store import (
    agent_state,
    agent_steps,
    agents_config,
    approval_rules,
    chunks,
    conversations,
    dead_letters,
    documents,
    evidence,
    facts,
    group_reads,
    inbox,
    kv,
    memories,
    messages,
    model_calls,
    notes,
    participants,
    saved,
    schedules,
    sightings,
    topic_bounds,
    usage,
    webhook_calls,
)
from store.doubt import hold_in_doubt
from store.errors import StoreError
from store.flush import Flush
from store.folder import DataFolder, Owner
from store.journal.journal import Journal
from store.journal.memory import Memory
from store.journal.opening import Durable
from store.lance import damage
from store.lance.checksums import Checking
from store.lance.opening import AsyncOpenTable
from store.lance.repair import Repaired
from store.lance.tables import Table
from store.queue import table as queue
from store.queue.writer import writer_at
from store.reading import Reader, reader
from store.starting import Opened, open_folder

TABLES: tuple[Table, ...] = (
    queue.TABLE,
    agents_config.TABLE,
    agent_state.TABLE,
    agent_steps.TABLE,
    conversations.TABLE,
    participants.TABLE,
    messages.TABLE,
    model_calls.TABLE,
    inbox.TABLE,
    approval_rules.TABLE,
    saved.TABLE,
    notes.TABLE,
    evidence.TABLE,
    memories.TABLE,
    usage.MINUTES,
    usage.HOURS,
    webhook_calls.TABLE,
    dead_letters.TABLE,
    schedules.TABLE,
    topic_bounds.TABLE,
    group_reads.TABLE,
    kv.TABLE,
    sightings.TABLE,
    facts.TABLE,
    documents.TABLE,
    chunks.TABLE,
)

_FLUSH_S = 35.0
"""Seconds for the last flush, which limits itself."""


class Store:
    """Everything that the worker writes with; one per data folder and machine at a time.

    Starts once, on the agents' loop. `stop` flushes and gives the folder up; a second stop does
    nothing.
    """

    def __init__(
        self,
        folder: DataFolder | Path | str,
        *,
        durable: Durable = "power",
        flush_s: float = 1.0,
        max_pending: int = 100_000,
        record_days: float | None = None,
    ) -> None:
        self.folder = folder if isinstance(folder, DataFolder) else DataFolder(folder)
        passing = {table.name for table in TABLES if table.retained_by}
        self._memory = memory = Memory(passing)
        self.journal = Journal(
            self.folder.journal,
            durable=durable,
            max_pending=max_pending,
            open_log=lambda _path, level, *, waits: self.folder.open_log(
                level, waits=waits, witness=memory
            ),
        )
        self.repaired: list[Repaired] = []
        self.checking: Checking | None = None
        """Reads the files of the tables again; None before the start."""
        self._durable = durable
        self._flush_s = flush_s
        self._record_days = record_days
        self._flush: Flush | None = None
        self._owned = contextlib.ExitStack()
        self._owner: Owner | None = None
        self._queue: AsyncOpenTable | None = None
        self._started = False
        self._shutdown = AsyncShutdown()

    async def start(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Own the folder, repair and complete its tables, start the journal and the flush.

        `meanwhile` is called on the loop while a thread opens the tables; what it raises is raised.
        Raises: FolderOwnedError, FolderUnusableError, FormatUnknownError, RollBackNeededError,
        TableDamagedError.
        """
        if self._started:
            raise RuntimeError("the store was started twice; make a new one")
        await asyncio.to_thread(self.folder.prepare)
        owner = self._owned.enter_context(self.folder.owned())
        self._owned.callback(self.folder.close)
        self._owned.callback(writer_at(self.folder).close)
        try:
            killed = owner.left == "killed"
            opening = asyncio.create_task(asyncio.to_thread(self._open, owner, roll_back=False))
            await asyncio.sleep(0)  # the thread works from here on
            try:
                meanwhile()
            finally:
                opened = await opening
            self._queue = await self.folder.open_tables().open_async(queue.TABLE)
            # Before its readers need it: one who appends what it has read holds up all who open.
            self._memory.open(partial(self.folder.open_log, "process"))
            self.journal.start()
            owner.proven()
        except BaseException:
            self._memory.close()
            self._owned.close()
            raise
        self._started = True
        self._owner = owner
        self.reader.memory = self._memory
        self._flush = Flush(
            folder=self.folder,
            journal=self.journal,
            tables=opened.tables,
            highest=opened.highest,
            synced=opened.synced,
            in_doubt=killed,
            every_s=self._flush_s,
            record_days=self._record_days,
            sums=opened.sums,
            memory=self._memory,
        )
        self.reader.unwritten = self._flush.summing.unwritten
        await asyncio.to_thread(self.adopt_actions)
        self._flush.start()
        self.checking = Checking(self.folder.path, opened.sums)
        self.checking.start()

    def repair(self, *, roll_back: bool) -> None:
        """Do what a start does to the folder, and no more; instead of a start.

        `roll_back`: go on without acknowledged rows that cannot be read. Raises: as a start.
        """
        self.folder.prepare()
        with self.folder.owned() as owner:
            self._open(owner, roll_back=roll_back)
            owner.proven()

    def _open(self, owner: Owner, *, roll_back: bool) -> Opened:
        opened = open_folder(
            self.folder,
            TABLES,
            self._durable,
            left=owner.left,
            roll_back=roll_back,
        )
        self.repaired = opened.repaired
        self._hold_in_doubt()
        return opened

    async def stop(self) -> None:
        ending = self._shutdown
        ending.add("the data folder", partial(self._give_up_folder, self._flush))
        if self.checking is not None:
            ending.add("the checking", partial(asyncio.to_thread, self.checking.stop))
        if self._flush is not None:
            flush, self._flush = self._flush, None
            ending.add("the journal", self.journal.stop)
            ending.add("the flush", lambda: asyncio.to_thread(flush.stop), limit_s=_FLUSH_S)
        await ending.run()

    async def _give_up_folder(self, flush: Flush | None) -> None:
        if self._owner is not None and flush is not None and flush.in_doubt:
            self._owner.left = "killed"  # the next worker does again what may not be on disk
        self.reader.memory = self.reader.unwritten = None
        self._memory.close()
        self._owned.close()  # in the thread that took the lock

    @property
    def left_behind(self) -> bool:
        """True if a step of the stop did not end in time."""
        return bool(self._shutdown.left_behind)

    @property
    def reader(self) -> Reader:
        return reader(self.folder)

    @property
    def queue(self) -> AsyncOpenTable:
        """The queue's table, for the dispatcher."""
        if self._queue is None:
            raise StoreError("the store is not started; call start() first")
        return self._queue

    def keep_records_for(self, days: float | None) -> None:
        """For how many days the record of a model's call is kept; None: for ever."""
        self._record_days = days
        if self._flush is not None:
            self._flush.retention.keep_for(days)

    def adopt_actions(self, *, waits: bool = True) -> bool:
        """Take in what other programs have put into the queue's table. Blocks.

        False where the flush is at work on it, and this does not wait for its end. Raises: OSError,
        RuntimeError, StoreError.
        """
        return self._flush is None or self._flush.queue.adopt(waits=waits)

    @property
    def compacted_at(self) -> dict[str, datetime]:
        """See `Flush.compacted_at`."""
        return {} if self._flush is None else self._flush.compacted_at

    @property
    def flushed_rows(self) -> int:
        return 0 if self._flush is None else self._flush.rows

    @property
    def flush_error(self) -> str | None:
        """The error of the newest flush; None if it succeeded."""
        return None if self._flush is None else self._flush.last_error

    @property
    def flush_failures(self) -> int:
        """Flushes that failed since the start."""
        return 0 if self._flush is None else self._flush.failures

    @property
    def flushed_at(self) -> float | None:
        """See `Flush.flushed_at`."""
        return None if self._flush is None else self._flush.flushed_at

    @property
    def ended(self) -> list[str]:
        """Loops of a started store that do not run any more."""
        running = {
            "journal": self.journal.running,
            "flush": self._flush is not None and self._flush.running,
        }
        return [name for name, runs in running.items() if not runs] if self._started else []

    def _hold_in_doubt(self) -> None:
        known = damage.missing(self.folder.path)
        if all(entry.settled for entry in known):
            return
        with contextlib.closing(self.folder.open_log(self._durable)) as log:
            hold_in_doubt(self.reader, log, known)
        damage.settle(self.folder.path)
