"""What was written since, in order, from any process: the one feed of rooms, streams and `watch`."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from store import journal_file
from store.journal_file import Group
from store.reading import Reader
from store.tables import STAMP, Table

Row = dict[str, Any]
Found = list[tuple[str, Row]]
_BATCH = 5_000  # rows
_BATCH_BYTES = 16 << 20


class Follower:
    """The records of some tables as they are acknowledged, each once; for one thread.

    The backlog of one that is slow stays on disk: nothing piles up in memory, and nothing is
    skipped, flushed or not.
    """

    def __init__(self, store: Reader, tables: Collection[Table]) -> None:
        self._store = store
        self._tables = {table.name: table for table in tables}
        self._stamp: object = None
        self.position = 0

    def start(self) -> None:
        """Begin after the newest record there is."""
        self._stamp = None
        self.position = 0
        if self._store.folder.journal.exists():
            with journal_file.reading(self._store.folder.journal) as connection:
                self.position = journal_file.newest_number(connection)

    def touched(self) -> bool:
        """Whether the journal's file has been written to since this was last asked; cheap."""
        stamp = _stamp(self._store.folder.journal)
        before, self._stamp = self._stamp, stamp
        return stamp != before

    def poll(self) -> tuple[Found, bool]:
        """Table and row of what came since, as journalled (times are microseconds since 1970, JSON
        columns strings); whether there is more.
        """
        if not self._store.folder.journal.exists():
            return [], False
        with journal_file.reading(self._store.folder.journal) as connection:
            groups, more = journal_file.groups(
                connection, after=self.position, rows=_BATCH, size_bytes=_BATCH_BYTES
            )
            newest = journal_file.newest_number(connection)
        if newest < self.position:  # another folder has taken this one's place
            self.position = newest
            return [], False
        first = groups[0].first if groups else newest + 1
        found: Found = []
        if first > self.position + 1:  # flushed before it was read here
            found += self._flushed(first)
        found += self._journalled(groups)
        self.position = groups[-1].last if groups else newest
        return found, more

    def _journalled(self, groups: list[Group]) -> Iterator[tuple[str, Row]]:
        for group in groups:
            if group.table in self._tables:
                for number, line in group.lines():
                    yield group.table, {**orjson.loads(line), "journal_n": number}

    def _flushed(self, before: int) -> Found:
        """Rows with numbers above the position and below `before`, from the tables."""
        where = f"journal_n > {self.position} AND journal_n < {before}"
        found = [
            (name, row)
            for name, table in self._tables.items()
            for row in _as_journalled(self._store.stored(table, where)).to_pylist()
        ]
        return sorted(found, key=lambda item: item[1]["journal_n"])


def _as_journalled(rows: pa.Table) -> pa.Table:
    plain = [(c.name, pa.int64() if c.type == STAMP else c.type) for c in rows.schema]
    return rows.cast(pa.schema(plain))


def _stamp(journal: Path) -> tuple[int, int] | None:
    """Changes with each commit, but for two within one turn of the file system's clock."""
    try:
        stat = journal.with_name(f"{journal.name}-wal").stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
