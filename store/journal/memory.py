"""Pending rows in the memory of the process that writes them: its readers open no file."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence

from store.journal import keys
from store.journal.file import Group
from store.journal.log import Log
from store.journal.searching import Line


class _Kept:
    """A group, and where its rows end, once that was asked."""

    __slots__ = ("_ends", "group")

    def __init__(self, group: Group) -> None:
        self.group = group
        self._ends: bytes | None = None

    @property
    def rows(self) -> int:
        return self.group.rows

    @property
    def keys(self) -> bytes:
        return self.group.keys

    def lines(self, places: Sequence[int]) -> Iterator[Line]:
        first, body = self.group.first, self.group.body
        if self._ends is None:
            self._ends = keys.ends(body.split(b"\n"))
        for place, at, size_bytes in keys.spans(self._ends, places):
            yield first + place, body[at : at + size_bytes]


class Memory:
    """The log's pending groups, kept from the first read on; safe to share between threads.

    Its process's commits come as they are made. What another process appends is found by its
    number, which the log is asked for at each read, and read from there.
    """

    def __init__(self) -> None:
        self._log: Log | None = None
        self._begun = False
        self._lock = threading.Lock()
        self._came: deque[Group] = deque()
        """Committed since the last look; whoever commits waits for no reader."""
        self._kept: deque[_Kept] = deque()
        self._last = 0
        self._forgotten = 0

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

    def pending(self, table: str, key: str | None, *, newest: bool) -> list[Line] | None:
        """As `Log.pending`; None while it is not open."""
        with self._lock:
            if self._log is None:
                return None
            self._begun = True
            newest_number = self._log.newest_number()
            self._take()
            if newest_number > self._last:
                self._catch_up(self._log, newest_number)
            kept = [each for each in self._kept if each.group.table == table]
        return [
            line
            for each, places in keys.wanted(kept, key, newest=newest)
            for line in each.lines(places)
        ]

    def _take(self) -> None:
        """Take in what came, in the order of its numbers, and drop what is forgotten."""
        while self._came:
            group = self._came.popleft()
            # After a gap: another process's rows are between, and a read fetches both.
            if group.first == self._last + 1:
                self._keep(group)
        while self._kept and self._kept[0].group.last <= self._forgotten:
            self._kept.popleft()

    def _catch_up(self, log: Log, newest_number: int) -> None:
        found, _ = log.groups(after=self._last)
        for group in found:
            self._keep(group)
        # What is not found is forgotten, and so in the tables.
        self._last = max(self._last, newest_number)

    def _keep(self, group: Group) -> None:
        self._kept.append(_Kept(group))
        self._last = group.last

    def close(self) -> None:
        with self._lock:
            self._begun = False
            self._came.clear()
            self._kept.clear()
            if self._log is not None:
                self._log.close()
                self._log = None
