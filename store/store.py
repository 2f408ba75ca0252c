"""The store as its owner sees it: repaired, complete, with the journal and the flush running."""

import asyncio
import contextlib
from datetime import datetime
from pathlib import Path

from store import (
    agent_state,
    agent_steps,
    agents_config,
    conversations,
    messages,
    model_calls,
    participants,
    queue,
)
from store.doubt import hold_in_doubt
from store.errors import StoreError
from store.flush import Flush
from store.folder import DataFolder
from store.journal.file import Durable
from store.journal.journal import Journal
from store.lance import damage
from store.lance.opening import AsyncOpenTable
from store.lance.repair import Repaired
from store.lance.tables import Table
from store.reading import Reader, reader
from store.starting import open_folder

TABLES: tuple[Table, ...] = (
    queue.TABLE,
    agents_config.TABLE,
    agent_state.TABLE,
    agent_steps.TABLE,
    conversations.TABLE,
    participants.TABLE,
    messages.TABLE,
    model_calls.TABLE,
)


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
        self.journal = Journal(
            self.folder.journal,
            durable=durable,
            max_pending=max_pending,
            open_log=lambda _path, level: self.folder.open_log(level),
        )
        self.repaired: list[Repaired] = []
        self._durable = durable
        self._flush_s = flush_s
        self._record_days = record_days
        self._flush: Flush | None = None
        self._owned = contextlib.ExitStack()
        self._queue: AsyncOpenTable | None = None
        self._started = False

    async def start(self) -> None:
        """Own the folder, repair and complete its tables, start the journal and the flush.

        Raises: FolderOwnedError, FolderUnusableError, FormatUnknownError, RollBackNeededError,
        TableDamagedError.
        """
        if self._started:
            raise RuntimeError("the store was started twice; make a new one")
        await asyncio.to_thread(self.folder.prepare)
        owner = self._owned.enter_context(self.folder.owned())
        self._owned.callback(self.folder.close)
        try:
            opened = await asyncio.to_thread(
                open_folder, self.folder, TABLES, self._durable, trusted=owner.left != "power"
            )
            self.repaired = opened.repaired
            await asyncio.to_thread(self._hold_in_doubt)
            self._queue = await self.folder.open_tables().open_async(queue.TABLE)
            self.journal.start()
            owner.proven()
        except BaseException:
            self._owned.close()
            raise
        self._started = True
        self._flush = Flush(
            folder=self.folder,
            journal=self.journal,
            tables=opened.tables,
            highest=opened.highest,
            synced=opened.synced,
            every_s=self._flush_s,
            record_days=self._record_days,
        )
        self._flush.start()

    async def stop(self) -> None:
        if self._flush is not None:
            await asyncio.to_thread(self._flush.stop)
            await self.journal.stop()
            self._flush = None
        self._owned.close()

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
            self._flush.retention.days = days

    def compact_queue(self) -> None:
        """Compact the queue where that is due; blocks, and goes in turn with the marking."""
        if self._flush is not None:
            self._flush.compact_marked()

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

    def _hold_in_doubt(self) -> None:
        known = damage.missing(self.folder.path)
        if all(entry.settled for entry in known):
            return
        with contextlib.closing(self.folder.open_log(self._durable)) as log:
            hold_in_doubt(self.reader, log, known)
        damage.settle(self.folder.path)
