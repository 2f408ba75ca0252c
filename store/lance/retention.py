"""Deletes rows that are older than records are kept, in the tables that name a time for it."""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc
import structlog

from store import times
from store.lance.opening import OpenTable
from store.lance.tables import Table, read_all

_logger = structlog.get_logger(__name__)

EVERY_S = 3_600.0
"""Seconds between two deletions: each reads a whole column."""


class Retention:
    """Deletes, at the first run and then each hour, rows older than `days`, or than their table
    keeps them; None keeps all of the others.

    For the flush's thread, the tables' only writer. What is deleted
    is gone, so that no clock alone decides: it counts no further than time has passed since the run
    before, and at the first run no further than the newest row.
    """

    def __init__(
        self,
        days: float | None,
        clock: Callable[[], float] = time.time,
        passed: Callable[[], float] = time.monotonic,
    ) -> None:
        self.days = days
        self.due_at = 0.0
        self._clock = clock
        self._passed = passed
        self._offset_s: float | None = None

    def keep_for(self, days: float | None) -> None:
        """Keep records for so many days from now on; the next run is the flush's next."""
        self.days = days
        self.due_at = 0.0

    def run(self, tables: Iterable[tuple[Table, OpenTable]]) -> bool:
        """Delete what is due in those of the tables that have a retention; False if none is."""
        kept = [
            (table, opened, days)
            for table, opened in tables
            if table.retained_by is not None
            and (days := table.retained_days or self.days) is not None
        ]
        passed = self._passed()
        if not kept or passed < self.due_at:
            return False
        self.due_at = passed + EVERY_S
        before, self._offset_s = self._offset_s, self._clock() - passed
        offset_s = self._offset_s if before is None else min(before, self._offset_s)
        now = datetime.fromtimestamp(passed + offset_s, UTC)
        for table, opened, days in kept:
            until = now if before is not None else min(now, _newest(opened, table) or now)
            if count := delete_older(opened, table, days, until):
                _logger.info("old records deleted", table=table.name, rows=count, days=days)
        return True


def _newest(opened: OpenTable, table: Table) -> datetime | None:
    """The newest time in the column that says how old a row is."""
    rows = read_all(opened.search().select([table.retained_by]))
    newest: datetime | None = pc.max(rows[table.retained_by]).as_py()
    return newest


def delete_older(opened: OpenTable, table: Table, days: float, now: datetime | None = None) -> int:
    """Delete the rows whose `retained_by` lies more than `days` back; returns how many."""
    until = (now or datetime.now(UTC)) - timedelta(days=days)
    old = f"{table.retained_by} < {times.literal(until)}"
    count = int(opened.count_rows(old))
    if count:  # a commit of nothing is a version more to compact
        opened.delete(old)
    return count
