"""Deletes rows that are older than records are kept, in the tables that name a time for it."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import structlog

from store import times
from store.lance.opening import OpenTable
from store.lance.tables import Table

_logger = structlog.get_logger(__name__)

EVERY_S = 3_600.0
"""Seconds between two deletions: each reads a whole column."""


class Retention:
    """Deletes, at the first run and then each hour, rows older than `days`; None keeps all.

    For the flush's thread, the tables' only writer. `days` may change at any time.
    """

    def __init__(self, days: float | None) -> None:
        self.days = days
        self.due_at = 0.0

    def run(self, tables: Iterable[tuple[Table, OpenTable]]) -> bool:
        """Delete what is due in those of the tables that have a retention; False if none is."""
        kept = [(table, opened) for table, opened in tables if table.retained_by is not None]
        now = time.monotonic()
        if self.days is None or not kept or now < self.due_at:
            return False
        self.due_at = now + EVERY_S
        for table, opened in kept:
            if count := delete_older(opened, table, self.days):
                _logger.info("old records deleted", table=table.name, rows=count, days=self.days)
        return True


def delete_older(opened: OpenTable, table: Table, days: float, now: datetime | None = None) -> int:
    """Delete the rows whose `retained_by` lies more than `days` back; returns how many."""
    until = (now or datetime.now(UTC)) - timedelta(days=days)
    old = f"{table.retained_by} < {times.literal(until)}"
    count = int(opened.count_rows(old))
    if count:  # a commit of nothing is a version more to compact
        opened.delete(old)
    return count
