"""Records in the order of their commit, from any process: the source of rooms, streams, `watch`."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from store.journal.file import Group
from store.journal.log import NotingLog
from store.lance.tables import STAMP, Table
from store.reading import Reader

Row = dict[str, Any]
Found = list[tuple[str, Row]]
_BATCH = 5_000  # rows
_BATCH_BYTES = 16 << 20
_FEW = 2_000
"""Rows that are picked from the tables, and the most that are taken at once where they are whole:
those have snapshots of up to 64 KiB each.
"""


class Follower:
    """The records of some tables as they are acknowledged, each once; for one thread.

    The backlog of one that is slow stays on disk: nothing piles up in memory, and nothing is
    skipped, flushed or not. Without `start` it begins with the first record there is, and so it
    does where another folder has taken this one's place; `replaced` counts those.

    `columns` are those of a table that its reader needs: rows from the tables have no others.
    """

    def __init__(
        self,
        store: Reader,
        tables: Collection[Table],
        *,
        columns: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._store = store
        self._tables = {table.name: table for table in tables}
        self._columns = columns or {}
        self._at_once = _BATCH if columns else _FEW
        self._stamp: object = None
        self._file = 0
        self.position = 0
        self.replaced = 0

    def start(self) -> None:
        """Begin after the newest record there is."""
        self._stamp = None
        self.position = 0  # and the file that was known stays known: another may take its place
        with self._store.folder.read_log() as log:
            if log is not None:
                self._file = log.identity()
                self.position = log.newest_number()

    def touched(self) -> bool:
        """True if the journal's file was written to since the last call; cheap."""
        stamp = _stamp(self._store.folder.journal)
        before, self._stamp = self._stamp, stamp
        return stamp != before

    def poll(self) -> tuple[Found, bool]:
        """Table and row of what came since, as journalled (times are microseconds since 1970, JSON
        columns strings); whether there is more.
        """
        with self._store.folder.read_log() as log:
            newest = self._look_at(log)
            if log is None:
                return [], False
            groups, more = log.groups(after=self.position, rows=_BATCH, size_bytes=_BATCH_BYTES)
            first = groups[0].first if groups else newest + 1
            was_flushed = first > self.position + 1  # before it was read here
            names = self._with_newer_rows(log) if was_flushed else []
        found: Found = []
        if was_flushed:
            last = min(first - 1, self.position + self._at_once)
            found = self._flushed(names, last)
            if last < first - 1:
                self.position = last
                return found, True
        found += self._journalled(groups)
        self.position = groups[-1].last if groups else newest
        return found, more

    def _look_at(self, log: NotingLog | None) -> int:
        """The newest number; begins anew in a file that is not the one of before."""
        file = 0 if log is None else log.identity()
        newest = 0 if log is None else log.newest_number()
        if newest < self.position or (file and self._file and file != self._file):
            self.position = 0
            self.replaced += 1
        self._file = file or self._file
        return newest

    def _journalled(self, groups: list[Group]) -> Iterator[tuple[str, Row]]:
        for group in groups:
            if group.table in self._tables:
                for number, line in group.lines():
                    yield group.table, {**orjson.loads(line), "journal_n": number}

    def _with_newer_rows(self, log: NotingLog) -> list[str]:
        """The tables that may have rows with numbers above the position."""
        highest, versions = log.highest_numbers(), log.synced_versions()
        has_none = {
            name for name, (version, number) in highest.items()
            # An older Reins notes the version alone, and rows that nobody has counted.
            if number <= self.position and versions.get(name) == version
        }  # fmt: skip
        return [name for name in self._tables if name not in has_none]

    def _flushed(self, names: Iterable[str], last: int) -> Found:
        """Rows with numbers above the position and up to `last`, from these tables."""
        where = f"journal_n > {self.position} AND journal_n <= {last}"
        found: dict[int, tuple[str, Row]] = {}
        few = last - self.position <= _FEW
        read = self._store.picked if few else self._store.stored
        for name in names:
            columns = [*self._columns.get(name, ())] or None
            rows = read(self._tables[name], where, columns)
            for row in as_journalled(rows).to_pylist():
                # A row of `agent_state` made from one of the log has that one's number.
                found.setdefault(row["journal_n"], (name, row))
        return [found[number] for number in sorted(found)]


def as_journalled(rows: pa.Table) -> pa.Table:
    """Rows of a table as they stood in the journal: times are microseconds since 1970."""
    plain = [(c.name, pa.int64() if c.type == STAMP else c.type) for c in rows.schema]
    return rows.cast(pa.schema(plain))


def _stamp(journal: Path) -> tuple[int, int] | None:
    """Changes with each commit, but for two within one turn of the file system's clock."""
    try:
        stat = journal.with_name(f"{journal.name}-wal").stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
