"""Indices made again between two compactions: a query reads each row that none of them has.

That takes an eighth of the time of a compaction, which also rewrites rows.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

import structlog

from store.lance.opening import OpenTable
from store.lance.tables import Table, make_index

_logger = structlog.get_logger(__name__)

ROWS = 60_000
"""So many rows without an index are looked through for a page in about 4 ms."""
_PART = 6
"""Of a large table, as many as this part of it: each row pays the same for its indices."""


class Indexing:
    """Counts the rows that no index has yet; runs on the flush's thread."""

    def __init__(self) -> None:
        self._added: Counter[str] = Counter()
        self._compacted_at: dict[str, datetime] = {}

    def added(self, name: str, rows: int) -> None:
        """Rows have been added to a table."""
        self._added[name] += rows

    def run_due(
        self,
        tables: Iterable[tuple[Table, OpenTable]],
        compacted_at: Mapping[str, datetime],
    ) -> bool:
        """Make the indices again where that is due; True if it was tried."""
        for name in compacted_at:
            if compacted_at[name] != self._compacted_at.get(name):
                self._added.pop(name, None)  # a compaction has indexed them
        self._compacted_at = dict(compacted_at)
        due = [pair for pair in tables if self._is_due(*pair)]
        for table, opened in due:
            self._run(table, opened)
        return bool(due)

    def _is_due(self, table: Table, opened: OpenTable) -> bool:
        added = self._added[table.name]
        return added >= ROWS and added >= opened.count_rows() // _PART

    def _run(self, table: Table, opened: OpenTable) -> None:
        self._added.pop(table.name)
        try:
            for column, kind in table.indices.items():
                make_index(opened, column, kind)
        except (RuntimeError, OSError, ValueError) as error:  # the next ones are made in time
            _logger.warning("indices were not made", table=table.name, error=str(error)[:300])
