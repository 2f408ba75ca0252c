"""The store as its owner sees it: repaired, complete, with the journal and the flush running."""

import asyncio
import contextlib
from datetime import datetime
from pathlib import Path

import structlog
from lancedb.table import AsyncTable, LanceTable

from reins.shutdown import AsyncShutdown
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
from store.derivation import rebuild
from store.errors import FolderUnusableError, StoreError
from store.flush import Flush, highest_number
from store.folder import FORMAT, DataFolder
from store.journal import file as journal_file
from store.journal.file import Durable
from store.journal.journal import Journal
from store.lance.repair import Repaired, repair
from store.lance.tables import Table, complete, connect, connect_async, open_or_make
from store.reading import Reader, reader

_logger = structlog.get_logger(__name__)

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

_FLUSH_S = 35.0
"""Seconds for the last flush, which limits itself."""


class Store:
    """Everything that the worker writes with; one per data folder and machine at a time.

    Starts once, on the agents' loop. `stop` flushes and gives the folder up; a second stop does
    nothing.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        durable: Durable = "power",
        flush_s: float = 1.0,
        max_pending: int = 100_000,
        record_days: float | None = None,
    ) -> None:
        self.folder = DataFolder(path)
        self.journal = Journal(self.folder.journal, durable=durable, max_pending=max_pending)
        self.repaired: list[Repaired] = []
        self._durable = durable
        self._flush_s = flush_s
        self._record_days = record_days
        self._flush: Flush | None = None
        self._owned = contextlib.ExitStack()
        self._queue: AsyncTable | None = None
        self._started = False
        self._shutdown = AsyncShutdown()

    async def start(self) -> None:
        """Own the folder, repair and complete its tables, start the journal and the flush.

        Raises: FolderOwnedError, FolderUnusableError, FormatUnknownError, TableDamagedError.
        """
        if self._started:
            raise RuntimeError("the store was started twice; make a new one")
        await asyncio.to_thread(self.folder.prepare)
        self._owned.enter_context(self.folder.owned())
        try:
            tables = await asyncio.to_thread(self._open_tables)
            highest = await asyncio.to_thread(self._catch_up, tables)
            self._queue = await self._open_queue()
            self.journal.start()
        except BaseException:
            self._owned.close()
            raise
        self._started = True
        self._flush = Flush(
            folder=self.folder,
            journal=self.journal,
            tables=tables,
            highest=highest,
            every_s=self._flush_s,
            record_days=self._record_days,
        )
        self._flush.start()

    async def stop(self) -> None:
        ending = self._shutdown
        ending.add("the data folder", self._give_up_folder)
        if self._flush is not None:
            flush, self._flush = self._flush, None
            ending.add("the journal", self.journal.stop)
            ending.add("the flush", lambda: asyncio.to_thread(flush.stop), limit_s=_FLUSH_S)
        await ending.run()

    async def _give_up_folder(self) -> None:
        self._owned.close()  # in the thread that took the lock

    @property
    def left_behind(self) -> bool:
        """True if a step of the stop did not end in time."""
        return bool(self._shutdown.left_behind)

    @property
    def reader(self) -> Reader:
        return reader(self.folder.path)

    @property
    def queue(self) -> AsyncTable:
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

    def _open_tables(self) -> dict[str, tuple[Table, LanceTable]]:
        try:
            db = connect(self.folder.path)
            synced = self._synced_versions()
            self.repaired = repair(db, self.folder.path, list(TABLES), synced)
            opened = {table.name: (table, open_or_make(db, table)) for table in TABLES}
            for table, handle in opened.values():
                if added := complete(handle, table):
                    _logger.warning("table migrated", table=table.name, columns_added=added)
            if self.folder.format() != FORMAT:
                self.folder.record_format()
        except OSError as error:
            raise FolderUnusableError(
                f"the tables in {self.folder.path} cannot be opened: {error}. "
                "Check that the disk is there, writable and has room."
            ) from error
        return opened

    def _synced_versions(self) -> dict[str, int]:
        connection = journal_file.open_for_writing(self.folder.journal, self._durable)
        try:
            journal_file.check(connection, self.folder.journal)
            return journal_file.synced_versions(connection)
        finally:
            connection.close()

    def _catch_up(self, opened: dict[str, tuple[Table, LanceTable]]) -> dict[str, int]:
        """Mend what a loss left behind; returns the highest number in each table.

        A journal that is younger than the tables must not give out their numbers again, and a view
        that is behind its log is made again from it.
        """
        highest = {
            name: highest_number(handle)
            for name, (table, handle) in opened.items()
            if table.journalled
        }
        connection = journal_file.open_for_writing(self.folder.journal, self._durable)
        try:
            journal_file.raise_flushed(connection, max(highest.values()))
        finally:
            connection.close()
        for table, handle in opened.values():
            derived = table.derived
            if derived is not None and highest[table.name] < highest[derived.source]:
                _, source = opened[derived.source]
                rebuild(table, derived, handle, source, highest[table.name])
        return highest

    async def _open_queue(self) -> AsyncTable:
        db = await connect_async(self.folder.path)
        return await db.open_table(queue.TABLE.name)
