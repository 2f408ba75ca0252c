"""The newest rows in the memory of the process that writes them: its readers open no file."""

import contextlib
import sqlite3
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from store import forks
from store.journal import keys
from store.journal.chunks import Chunk, Tail
from store.journal.file import Group
from store.journal.log import Log
from store.journal.searching import Line
from store.journal.whole_tables import WholeTables

Row = dict[str, Any]
_KEPT_BYTES = 160 << 20
"""Of rows that are in the tables already: a hundred of each of a thousand sessions."""
_PENDING_BYTES = 256 << 20
"""Of pending rows: where the flush fails, many large ones come together."""
_KEPT_S = 120.0
"""And for so long: a session that rests costs nothing."""
_TWICE = 8
"""Rows of one key that were written twice, at the most, in a page that is told without a table."""


class Span(NamedTuple):
    """A range of places. Each row of a key has the next one, from 1, in this column."""

    column: str
    after: int
    upto: int


class Memory:
    """The log's pending groups, and the newest of those that it has forgotten; safe to share
    between threads. A child of a fork has nothing here: its readers open the file.

    Its process's commits come as they are made. What another process appends is found by its
    number, which the log is asked for at each read, and read from there. What is here has no gaps
    in its numbers, over all tables. Of `passing` tables, whose rows are deleted again, only pending
    rows are given.
    """

    def __init__(self, passing: Collection[str] = (), kept_bytes: int = _KEPT_BYTES) -> None:
        self._passing = frozenset(passing)
        self._kept_bytes = kept_bytes
        self._open_log: Callable[[], Log] | None = None
        self._log: Log | None = None
        self._lock = threading.Lock()
        self._came: deque[Group] = deque()
        """Committed since the last look; whoever commits waits for no reader."""
        self._tails: dict[str, Tail] = defaultdict(Tail)
        self._pending_bytes = 0
        self._over = False
        """There is more than has room: until the next flush, readers open the file."""
        self._last = 0
        self._floor = 0
        """What is above it, up to the last, is here."""
        self._forgotten = 0
        self.tables = WholeTables()
        self._forgot: deque[tuple[float, int]] = deque()
        """When the log had forgotten what."""
        forks.know(self)

    def open(self, open_log: Callable[[], Log]) -> None:
        """Read what others append from such a handle, which is closed with it."""
        log = open_log()
        newest_number = log.newest_number()  # first: somebody may append in between
        if not log.pending_rows():
            self._last = self._floor = self._forgotten = newest_number
        self._log, self._open_log = log, open_log

    def committed(self, groups: Sequence[Group]) -> None:
        if self._open_log is None or self._over:
            return
        self._count(groups)
        if not self._over:
            self._came.extend(groups)

    def _count(self, groups: Sequence[Group]) -> None:
        self._pending_bytes += sum(len(group.body) for group in groups)
        self._over = self._over or self._pending_bytes > _PENDING_BYTES

    def forgotten(self, upto: int) -> None:
        self._forgotten = upto
        if self._lock.acquire(blocking=False):
            try:
                self._take()
            finally:
                self._lock.release()

    def settle(self, *, aside: bool) -> None:
        """Keep to the bounds; after a flush. `aside`: some of what it has moved is in no table."""
        with self._lock:
            if aside or self._over:
                self._begin_after(self._forgotten)
            now = time.monotonic()
            if not self._forgot or self._forgot[-1][1] < self._forgotten:
                self._forgot.append((now, self._forgotten))
            while self._forgot and self._forgot[0][0] < now - _KEPT_S:
                self._floor = max(self._floor, self._forgot.popleft()[1])
            self._keep_to_bytes()
            self._take()
            self._over, self._pending_bytes = False, self._size_of_pending()
        self.tables.settle()

    def pending(
        self, tables: Sequence[str], key: str | None, *, newest: bool, kept: bool = False
    ) -> list[list[Line]] | None:
        """As `Log.pending`, of several tables at one moment; None where that is not here.

        `kept`: also rows that are in the tables already, as far as they are here.
        """
        with self._lock:
            if not self._look():
                return None
            return [self._found(table, key, newest=newest, kept=kept) for table in tables]

    def forgotten_upto(self) -> int | None:
        """The number up to which rows are in the tables; None while it is not open."""
        with self._lock:
            return None if self._open_log is None else self._forgotten

    def since(self, tables: Sequence[str], number: int) -> list[list[Line]] | None:
        """The newest row of each key above this number; None where not all of them are here."""
        with self._lock:
            # Rows of a passing table go from here when they are in the table.
            if not self._passing.isdisjoint(tables) or not self._look() or number < self._floor:
                return None
            return [self._above(table, None, number, newest=True) for table in tables]

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
            head, lines = _covering(self._tails[table].above(self._floor), key, span, read)
            above = self._floor
        rows = [row for line in lines if line[0] > above and (row := read(line)) is not None]
        places = {row[span.column] for row in rows}
        if not places or (min(places) > span.after and 1 not in places):
            return None
        asked = range(span.after + 1, min(span.upto, max(head, *places)) + 1)
        return rows if places.issuperset(asked) else None

    def _found(self, table: str, key: str | None, *, newest: bool, kept: bool) -> list[Line]:
        above = self._floor if kept and table not in self._passing else self._forgotten
        return self._above(table, key, above, newest=newest)

    def _above(self, table: str, key: str | None, number: int, *, newest: bool) -> list[Line]:
        chunks = self._tails[table].above(number)
        return [
            line
            for chunk, places in keys.wanted(chunks, key, newest=newest)
            for line in chunk.lines(places)
            if line[0] > number
        ]

    def _look(self) -> bool:
        """Take in what came, from here and from others; False where that is not to be had."""
        if self._open_log is None or self._over:
            return False
        if self._log is None:
            self._log = self._open_log()
        newest_number = self._log.newest_number()
        self._take()
        if newest_number > self._last:
            self._catch_up(self._log, newest_number)
            self._take()
        return not self._over

    def _take(self) -> None:
        """Take in what came, in the order of its numbers, and drop what is not kept."""
        self._take_next()
        if self._forgotten > self._last:  # past a gap: another process's rows are in the tables
            self._begin_after(self._forgotten)
            self._take_next()
        for name, tail in self._tails.items():
            tail.drop(self._forgotten if name in self._passing else self._floor)

    def _take_next(self) -> None:
        # After a gap another process's rows are between, and a read fetches them.
        while self._came and self._came[0].first <= self._last + 1:
            group = self._came.popleft()
            if group.first > self._last:
                self._keep(group)

    def _catch_up(self, log: Log, newest_number: int) -> None:
        found, self._over = log.groups(after=self._last, size_bytes=_PENDING_BYTES)
        self._count(found)
        # What is not found is forgotten, and so in the tables.
        first = found[0].first if found else newest_number + 1
        if first > self._last + 1:
            self._begin_after(first - 1)
        for group in found:
            self._keep(group)

    def _begin_after(self, number: int) -> None:
        self._tails.clear()
        self._last = self._floor = number

    def _keep(self, group: Group) -> None:
        self._tails[group.table].add(group)
        self._last = group.last

    def _size_of_pending(self) -> int:
        chunks = [chunk for tail in self._tails.values() for chunk in tail.chunks]
        kept = sum(chunk.size_bytes for chunk in chunks if chunk.last > self._forgotten)
        return kept + sum(len(group.body) for group in list(self._came))

    def _keep_to_bytes(self) -> None:
        chunks = [chunk for tail in self._tails.values() for chunk in tail.chunks]
        kept = sorted(
            (chunk.last, chunk.size_bytes) for chunk in chunks if chunk.last <= self._forgotten
        )
        size_bytes = sum(size for _, size in kept)
        for last, size in kept:
            if size_bytes <= self._kept_bytes:
                break
            size_bytes -= size
            self._floor = max(self._floor, last)

    def close(self) -> None:
        with self._lock:
            self._empty()
            self._close_log()

    def before_fork(self) -> bool:
        if not self._lock.acquire(timeout=forks.PATIENCE_S):
            return False
        self._close_log()
        return True

    def after_fork(self, *, child: bool) -> None:
        if child:  # nobody tells it what is committed
            self._empty()
        self._lock.release()

    def _empty(self) -> None:
        self._open_log = None
        self._came.clear()
        self._tails.clear()

    def _close_log(self) -> None:
        log, self._log = self._log, None
        if log is not None:
            with contextlib.suppress(sqlite3.Error):
                log.close()


def _covering(
    chunks: Sequence[Chunk], key: str, span: Span, read: Callable[[Line], Row | None]
) -> tuple[int, list[Line]]:
    """The place of a key's newest row; its rows from the span's last back to one before it, if they
    are that many, and the rows of no known key beside them, oldest first.
    """
    newest = _newest(chunks, key, read)
    if newest is None:
        return 0, []
    head: int = newest[span.column]
    skip, wanted = max(0, head - span.upto), max(0, head - span.after)
    if sum(chunk.keys.count(keys.digest(key)) for chunk in chunks) < wanted:
        return head, []  # without a look at each
    left = wanted - skip + _TWICE
    found: list[Line] = []
    for chunk in reversed(chunks):
        own, unknown = keys.places(chunk, key), keys.unknown(chunk)
        fit = own[: max(0, len(own) - skip)]
        skip -= len(own) - len(fit)
        fit = fit[-left:]
        left -= len(fit)
        found += chunk.lines(sorted({*unknown, *fit}))
        if left <= 0:
            break
    return head, sorted(found)


def _newest(chunks: Sequence[Chunk], key: str, read: Callable[[Line], Row | None]) -> Row | None:
    for chunk in reversed(chunks):
        if own := keys.places(chunk, key):
            [line] = chunk.lines(own[-1:])
            return read(line)
    return None
