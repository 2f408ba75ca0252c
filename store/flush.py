"""The flush: journalled rows into the LanceDB tables, in order, in batches, off the loop."""

import sqlite3
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import structlog
from lancedb.table import LanceTable

from store import agent_state, agent_steps, model_calls, queue
from store.folder import DataFolder
from store.journal import file as journal_file
from store.journal.arrow import newest_by, to_arrow
from store.journal.file import Group
from store.journal.journal import Journal
from store.lance.compaction import Upkeep
from store.lance.memory import give_back
from store.lance.tables import Table

_log = structlog.get_logger(__name__)

_BATCH_ROWS = 20_000
_BATCH_BYTES = 64 << 20
_BURST_ROWS = 5_000  # after as many, a quiet moment is used to give their memory back
_RETRY_MAX_S = 30.0
_FORGET_EVERY_S = 3_600.0
_QUEUE_COMMITS = 32  # it is queried for each commit of another process


class Flush:
    """A thread that moves journalled rows into the tables and keeps the tables in shape.

    Starts once. Wakes every `every_s`, or sooner when the journal fills. `stop` flushes what is
    there, within a time limit, and ends; a second stop does nothing. What it could not flush stays
    in the journal, so a failure costs time, never rows.
    """

    def __init__(
        self,
        *,
        folder: DataFolder,
        journal: Journal,
        tables: Mapping[str, tuple[Table, LanceTable]],
        highest: Mapping[str, int],
        every_s: float = 1.0,
        hurry_rows: int = _BATCH_ROWS,
        record_days: float | None = None,
        forget_every_s: float = _FORGET_EVERY_S,
    ) -> None:
        self._folder = folder
        self._journal = journal
        self._tables = tables
        self._every_s = every_s
        self._hurry_rows = hurry_rows
        self.record_days = record_days
        self._forget_every_s = forget_every_s
        self._forget_at = 0.0
        self._upkeep = Upkeep()
        self._queue_upkeep = Upkeep(commits=_QUEUE_COMMITS)
        self._wake = threading.Event()
        self._stopping = False
        self._failing = False
        self._worked = 0
        self._thread: threading.Thread | None = None
        self._highest = dict(highest)
        self.rows = 0
        self.failures = 0
        self.last_error: str | None = None
        """The error of the newest flush; None if it succeeded."""

    def start(self) -> None:
        if self._thread is not None:
            raise RuntimeError("the flush was started twice; make a new one")
        self._journal.on_pending = self._hurry
        self._thread = threading.Thread(target=self._run, name="flush", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 30.0) -> None:
        """Blocks; call it from a thread that may."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _hurry(self, pending: int) -> None:
        # What fails is retried by the clock: each commit would wake it otherwise.
        if pending >= self._hurry_rows and not self._failing:
            self._wake.set()

    def _run(self) -> None:
        wait_s = self._every_s
        reader = sqlite3.connect(self._folder.journal, isolation_level=None, timeout=10.0)
        while True:
            self._wake.wait(wait_s)
            self._wake.clear()
            stopping = self._stopping
            try:
                self._flush_all(reader)
                if not stopping:
                    self._forget_old_calls()
                    self._keep_up(self._upkeep, self._tables.keys() - {queue.TABLE.name})
                wait_s = self._every_s
                self._failing = False
                self.last_error = None
            except Exception as error:  # noqa: BLE001 - the rows are safe in the journal
                self._failing = True
                self.failures += 1
                self.last_error = f"{type(error).__name__}: {error}"[:500]
                wait_s = min(wait_s * 2, _RETRY_MAX_S)
                _log.error(
                    "flush failed; its rows stay in the journal",
                    error=self.last_error,
                    retry_in_s=wait_s,
                )
            if stopping:
                reader.close()
                return

    def _flush_all(self, reader: sqlite3.Connection) -> None:
        before = self.rows
        while self.flush_once(reader):
            pass
        self._worked += self.rows - before
        if self._worked >= _BURST_ROWS and self.rows == before:
            self._worked = 0
            give_back()

    def flush_once(self, reader: sqlite3.Connection) -> bool:
        """Move one batch, the oldest; True if there is more."""
        groups, more = journal_file.groups(reader, rows=_BATCH_ROWS, size_bytes=_BATCH_BYTES)
        if not groups:
            return False
        states: list[pa.Table] = []
        for name, same in groupby(sorted(groups, key=lambda g: g.table), lambda g: g.table):
            states += self._flush_table(name, list(same))
        self._merge_states(states)
        # Before the sync: the queue may get another version while it runs.
        versions = self._versions()
        self._folder.sync()
        self._journal.forget(groups, versions)
        self.rows += sum(group.rows for group in groups)
        return more

    def _flush_table(self, name: str, groups: list[Group]) -> list[pa.Table]:
        """Write one table's rows; returns the rows of `agent_state` that they lead to."""
        if name not in self._tables:
            self._set_aside(groups, f"there is no table {name}")
            return []
        table, opened = self._tables[name]
        groups, rows = self._fitting(table, groups)
        if name == agent_state.TABLE.name:
            return [rows]
        if table.key is not None:
            _merge(opened, table.key, newest_by(rows, table.key))
            return []
        fresh = rows.filter(pc.greater(rows["journal_n"], self._highest[name]))
        if fresh.num_rows:
            opened.add(fresh)
            self._upkeep.added(name, fresh.num_rows)
            self._highest[name] = pc.max(fresh["journal_n"]).as_py()
        return [_states_of(groups, rows)] if name == agent_steps.TABLE.name else []

    def _fitting(self, table: Table, groups: list[Group]) -> tuple[list[Group], pa.Table]:
        """The rows as Arrow; a row that fits no table is set aside, or it would hold up all others.

        Returns also the groups without it.
        """
        try:
            return groups, to_arrow(table, groups)
        except pa.ArrowInvalid:
            rows = (row for group in groups for row in group.lines())
            fitting = []
            for group in (Group(number, 1, table.name, line) for number, line in rows):
                try:
                    to_arrow(table, [group])
                    fitting.append(group)
                except pa.ArrowInvalid as error:
                    self._set_aside([group], str(error))
            return fitting, to_arrow(table, fitting) if fitting else table.schema.empty_table()

    def _set_aside(self, groups: list[Group], why: str) -> None:
        """Keep rows in `damaged/` that no table takes."""
        aside = self._folder.path / "damaged"
        aside.mkdir(exist_ok=True)
        for group in groups:
            path = aside / f"journal-{group.table}-{group.first}.jsonl"
            path.write_bytes(group.body + b"\n")
            _log.error("rows set aside", path=str(path), rows=group.rows, why=why[:300])

    def _merge_states(self, states: list[pa.Table]) -> None:
        if states:
            table, opened = self._tables[agent_state.TABLE.name]
            assert table.key is not None
            _merge(opened, table.key, newest_by(pa.concat_tables(states), table.key))

    def _forget_old_calls(self) -> None:
        """Delete what is older than records are kept, now and then: it reads a whole column."""
        name, now = model_calls.TABLE.name, time.monotonic()
        if self.record_days is None or name not in self._tables or now < self._forget_at:
            return
        self._forget_at = now + self._forget_every_s
        if count := model_calls.forget_before(self._tables[name][1], self.record_days):
            _log.info("old records of model calls deleted", rows=count, days=self.record_days)

    @property
    def compacted_at(self) -> dict[str, datetime]:
        """When each table was last compacted here; without those that were not yet."""
        return {**self._upkeep.compacted_at, **self._queue_upkeep.compacted_at}

    def keep_queue_up(self) -> None:
        """The same for the queue, in turn with the marking: a mark would undo a compaction."""
        self._keep_up(self._queue_upkeep, {queue.TABLE.name})

    def _keep_up(self, upkeep: Upkeep, names: Collection[str]) -> None:
        opened = {name: self._tables[name][1] for name in names}
        compacted = [
            upkeep.run(name, table)
            for name, table in opened.items()
            if upkeep.due(name, table.version)
        ]
        if any(compacted):
            versions = self._versions()
            self._folder.sync()
            self._journal.call(lambda connection: journal_file.note_synced(connection, versions))
            give_back()
        for name, table in opened.items():
            upkeep.clean(name, table)

    def _versions(self) -> dict[str, int]:
        return {name: opened.version for name, (_, opened) in self._tables.items()}


def _merge(opened: LanceTable, key: str, rows: pa.Table) -> None:
    if rows.num_rows:
        merge = opened.merge_insert(key).when_matched_update_all().when_not_matched_insert_all()
        merge.execute(rows)


def highest_number(opened: LanceTable) -> int:
    """The highest journal number in the table: what is at most that is there already."""
    numbers = opened.search().select(["journal_n"]).limit(None).to_arrow()["journal_n"]
    return pc.max(numbers).as_py() or 0


def rebuild_states(log: LanceTable, states: LanceTable, after: int) -> None:
    """Make `agent_state` again from the rows of the log that are numbered above `after`."""
    steps = log.search().where(f"journal_n > {after}").limit(None).to_arrow()
    rows = [agent_state.from_step(row) for row in newest_by(steps, "session_id").to_pylist()]
    _merge(states, "session_id", pa.Table.from_pylist(rows, schema=agent_state.TABLE.schema))
    _log.warning("agent_state was behind the log and was made again", sessions=len(rows))


def _states_of(groups: list[Group], steps: pa.Table) -> pa.Table:
    """The rows of `agent_state` that the newest row of each session in the log leads to."""
    newest = sorted(newest_by(steps, "session_id")["journal_n"].to_pylist())
    rows: list[dict[str, Any]] = []
    for group in groups:
        lines = group.body.split(b"\n")
        for number in newest[bisect_left(newest, group.first) : bisect_right(newest, group.last)]:
            row = orjson.loads(lines[number - group.first])
            rows.append(agent_state.from_step(row | {"journal_n": number}))
        time.sleep(0)  # let the loop have the GIL between two slices
    return pa.Table.from_pylist(rows, schema=agent_state.TABLE.schema)
