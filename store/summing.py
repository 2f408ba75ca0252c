"""Tables that sum up another's rows, kept as the flush writes: counted in memory, written rarely.

What was counted and not written is counted again from the source after a kill, since a written row
has the number of the last row that it counts: nothing is counted twice, or left out.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from store import times
from store.lance.opening import OpenTable
from store.lance.tables import JOURNAL_N, Row, Summary, Sums, Table
from store.safe_versions import Opened

_AT_ONCE = 65_536
"""Rows of the source that are read at once."""


@dataclass(slots=True)
class _Kept:
    """The sums of one table since what is written; `counted` is the highest number in them."""

    written: int
    counted: int
    sums: Sums
    due_at: float


class Summing:
    """Sums of all tables that have a summary. For the flush's thread; `unwritten` for any."""

    def __init__(
        self,
        tables: Opened,
        highest: Mapping[str, int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tables = tables
        self._rules = {
            name: table.summary for name, (table, _) in tables.items() if table.summary is not None
        }
        self._highest = highest
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def took(self, source: str, rows: pa.Table) -> None:
        """The flush has written these rows into their table."""
        for name, rule in self._rules.items():
            if rule.source == source:
                kept = self._current(name)
                new = rows.filter(pc.greater(rows[JOURNAL_N.name], kept.counted))
                self._count(kept, new.select([*rule.columns, JOURNAL_N.name]))

    def due(self, *, all_of_them: bool = False) -> Iterator[tuple[str, pa.Table]]:
        """The rows to be written now, by table; `written` says that this was done."""
        for name in self._rules:
            kept = self._current(name)
            if kept.counted > kept.written and (all_of_them or self._clock() >= kept.due_at):
                rows = [row | {JOURNAL_N.name: kept.counted} for row in kept.sums.rows()]
                yield name, pa.Table.from_pylist(rows, schema=self._tables[name][0].schema)

    def written(self, name: str) -> None:
        with self._lock:
            kept, rule = self._kept[name], self._rules[name]
            due_at = self._clock() + rule.every_s
            self._kept[name] = _Kept(kept.counted, kept.counted, rule.sums(), due_at)

    def count_anew(self, name: str) -> None:
        """The table has gone back to an older version."""
        with self._lock:
            self._kept.pop(name, None)

    def unwritten(self, name: str) -> tuple[int, list[Row]] | None:
        """The number up to which the table counts, and the sums since; None before the first."""
        with self._lock:
            kept = self._kept.get(name)
            return None if kept is None else (kept.written, kept.sums.rows())

    def _current(self, name: str) -> _Kept:
        """Counted at first use from what its source has that it has not."""
        kept = self._kept.get(name)
        if kept is None:
            rule, (table, _) = self._rules[name], self._tables[name]
            written = self._highest[name]
            kept = _Kept(written, written, rule.sums(), self._clock() + rule.every_s)
            if self._highest[rule.source] > written:
                for rows in missing(table, rule, self._tables[rule.source][1], written):
                    self._count(kept, rows)
                kept.counted = self._highest[rule.source]
            with self._lock:
                self._kept[name] = kept
        return kept

    def _count(self, kept: _Kept, rows: pa.Table) -> None:
        if rows.num_rows:
            with self._lock:
                kept.sums.add(rows)
                kept.counted = max(kept.counted, pc.max(rows[JOURNAL_N.name]).as_py())


def missing(table: Table, rule: Summary, source: OpenTable, written: int) -> Iterator[pa.Table]:
    """The rows of the source that are not counted in the table, of as many days as it keeps."""
    where = f"{JOURNAL_N.name} > {written}"
    if table.retained_days is not None:
        since = datetime.now(UTC) - timedelta(days=table.retained_days)
        where += f" AND {rule.at} >= {times.literal(since)}"
    query = source.search().where(where).select([*rule.columns, JOURNAL_N.name]).limit(None)
    for batch in query.to_batches(_AT_ONCE):
        yield pa.Table.from_batches([batch])
