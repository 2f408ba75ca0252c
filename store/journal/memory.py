"""The newest rows in the memory of the process that writes them: its readers open no file."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from store.journal import keys
from store.journal.chunks import Chunk, Packed, Rows, lines_of
from store.journal.file import Group
from store.journal.log import Log
from store.journal.searching import Line

Row = dict[str, Any]
KEPT_BYTES = 64 << 20
"""Of rows that are in the tables already, for the whole process."""
_TWICE = 8
"""Rows of one key that were written twice, at the most, in a page that is told without a table."""


class Span(NamedTuple):
    """A range of places. Each row of a key has the next one, from 1, in this column."""

    column: str
    after: int
    upto: int


class _Tail:
    """The newest rows of one table, oldest first: packed ones, then those that are not."""

    __slots__ = ("chunks", "packed")

    def __init__(self) -> None:
        self.packed: deque[Packed] = deque()
        self.chunks: deque[Chunk] = deque()

    def add(self, group: Group) -> None:
        if not self.chunks or self.chunks[-1].full:
            self.chunks.append(Chunk())
        self.chunks[-1].add(group)

    @property
    def all(self) -> list[Rows]:
        return [*self.packed, *self.chunks]

    def above(self, number: int) -> list[Rows]:
        return [each for each in self.all if each.last > number]

    def cut(self, upto: int) -> None:
        """Have no row up to this number any more, also none that no reader is given."""
        groups = [group for chunk in self.chunks for group in chunk.groups if group.last > upto]
        self.packed.clear()
        self.chunks.clear()
        for group in groups:
            self.add(group)

    def drop(self, upto: int) -> None:
        while self.packed and self.packed[0].last <= upto:
            self.packed.popleft()
        while self.chunks and self.chunks[0].last <= upto:
            self.chunks.popleft()


class Memory:
    """The log's pending groups, and the newest of those that it has forgotten, kept from the first
    read on; safe to share between threads.

    Its process's commits come as they are made. What another process appends is found by its
    number, which the log is asked for at each read, and read from there. What is kept has no gaps
    in its numbers, over all tables. Of `passing` tables, whose rows are deleted again, only pending
    rows are kept.
    """

    def __init__(self, passing: Collection[str] = (), kept_bytes: int = KEPT_BYTES) -> None:
        self._passing = frozenset(passing)
        self._kept_bytes = kept_bytes
        self._log: Log | None = None
        self._begun = False
        self._lock = threading.Lock()
        self._came: deque[Group] = deque()
        """Committed since the last look; whoever commits waits for no reader."""
        self._tails: dict[str, _Tail] = defaultdict(_Tail)
        self._last = 0
        self._forgotten = 0
        self._floor = 0
        """What is above this number is here."""

    def open(self, log: Log) -> None:
        """Read what others append from this handle, which is closed with it."""
        self._log = log

    def committed(self, groups: Sequence[Group]) -> None:
        if self._begun:
            self._came.extend(groups)

    def forgotten(self, upto: int) -> None:
        self._forgotten = upto
        if self._lock.acquire(blocking=False):
            try:
                self._take()
            finally:
                self._lock.release()

    def pending(
        self, tables: Sequence[str], key: str | None, *, newest: bool, kept: bool = False
    ) -> list[list[Line]] | None:
        """As `Log.pending`, of several tables at one moment; None while it is not open.

        `kept`: also rows that are in the tables already, as far as they are here.
        """
        with self._lock:
            if not self._look():
                return None
            asked = []
            for table in tables:
                above = self._floor if kept and table not in self._passing else self._forgotten
                rows = self._tails[table].above(above)
                found = [(each, list(at)) for each, at in keys.wanted(rows, key, newest=newest)]
                asked.append((above, found))
        return [[line for line in lines_of(found) if line[0] > above] for above, found in asked]

    def page(
        self, table: str, key: str, span: Span, read: Callable[[Line], Row | None]
    ) -> list[Row] | None:
        """The rows of a key in a span of its places, and some before them, oldest first. None where
        not all of them are known to be here.

        `read` makes a row of a line; None: it is another key's.
        """
        with self._lock:
            if not self._look() or table in self._passing:
                return None
            above = self._floor
            found = _covering(self._tails[table].above(above), key, span, read)
        lines = (line for line in lines_of(found) if line[0] > above)
        rows = [row for line in lines if (row := read(line)) is not None]
        first = min((row[span.column] for row in rows), default=None)
        return rows if first is not None and (first <= span.after or first == 1) else None

    def settle(self, *, aside: bool) -> None:
        """Pack what is full and forgotten, and keep to the bound; from a thread that may take
        some milliseconds. `aside`: some of what is forgotten is in no table; nothing of it is kept.
        """
        if aside:
            with self._lock:
                self._floor = self._forgotten
                for tail in self._tails.values():
                    tail.cut(self._floor)
        for name, tail in list(self._tails.items()):
            while (chunk := self._to_pack(name, tail)) is not None:
                packed = chunk.packed()
                with self._lock:
                    if tail.chunks and tail.chunks[0] is chunk:
                        tail.chunks.popleft()
                        tail.packed.append(packed)
        with self._lock:
            self._keep_to_bound()

    def _to_pack(self, name: str, tail: _Tail) -> Chunk | None:
        with self._lock:
            chunk = tail.chunks[0] if tail.chunks else None
            if name in self._passing or chunk is None or not chunk.full:
                return None
            return chunk if chunk.last <= self._forgotten else None

    def _keep_to_bound(self) -> None:
        kept = sorted(
            (each.last, each.size_bytes)
            for tail in self._tails.values()
            for each in tail.all
            if each.last <= self._forgotten
        )
        size_bytes = sum(size for _, size in kept)
        for last, size in kept:
            if size_bytes <= self._kept_bytes:
                break
            size_bytes -= size
            self._floor = last
        self._drop()

    def _look(self) -> bool:
        """Take in what came, from here and from others; False while it is not open."""
        if self._log is None:
            return False
        self._begun = True
        newest_number = self._log.newest_number()
        self._take()
        if newest_number > self._last:
            self._catch_up(self._log, newest_number)
        return True

    def _take(self) -> None:
        """Take in what came, in the order of its numbers, and drop what is not kept."""
        while self._came:
            group = self._came.popleft()
            # After a gap: another process's rows are between, and a read fetches both.
            if group.first == self._last + 1:
                self._keep(group)
        self._drop()

    def _drop(self) -> None:
        for name, tail in self._tails.items():
            tail.drop(self._forgotten if name in self._passing else self._floor)

    def _catch_up(self, log: Log, newest_number: int) -> None:
        found, _ = log.groups(after=self._last)
        # What is not found is forgotten, and so in the tables.
        if (found[0].first if found else newest_number + 1) > self._last + 1:
            self._floor = self._last = found[0].first - 1 if found else newest_number
            self._tails.clear()
        for group in found:
            self._keep(group)
        self._last = max(self._last, newest_number)

    def _keep(self, group: Group) -> None:
        self._tails[group.table].add(group)
        self._last = group.last

    def close(self) -> None:
        with self._lock:
            self._begun = False
            self._came.clear()
            self._tails.clear()
            if self._log is not None:
                self._log.close()
                self._log = None


def _covering(
    rows: Sequence[Rows], key: str, span: Span, read: Callable[[Line], Row | None]
) -> list[tuple[Rows, list[int]]]:
    """The rows of a key from the span's last back to one before it, if they are that many, and the
    rows of no known key beside them.
    """
    newest = _newest(rows, key, read)
    if newest is None:
        return []
    head = newest[span.column]
    skip, wanted = max(0, head - span.upto), max(0, head - span.after)
    if sum(each.keys.count(keys.digest(key)) for each in rows) < wanted:
        return []
    left = wanted - skip + _TWICE
    found = []
    for each in reversed(rows):
        own, unknown = keys.places(each, key), keys.unknown(each)
        kept = own[: max(0, len(own) - skip)]
        skip -= len(own) - len(kept)
        kept = kept[-left:]
        left -= len(kept)
        found.append((each, [*unknown, *kept]))
        if left <= 0:
            break
    return found


def _newest(rows: Sequence[Rows], key: str, read: Callable[[Line], Row | None]) -> Row | None:
    for each in reversed(rows):
        if own := keys.places(each, key):
            [line] = lines_of([(each, own[-1:])])
            return read(line)
    return None
