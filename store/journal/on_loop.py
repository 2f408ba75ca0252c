"""Commits that the loop makes itself: quicker than a hand-over to the writer's thread.

The loop stands still for them, so it makes one only where that costs less than to hand over and
to be woken: for a caller that came alone to a loop with nothing else to do, and for many of one
turn, to each of which the disk's part is little. Never while another commit is under way, nor
where the disk is slow.
"""

import threading
import time
from collections.abc import Callable

from store.errors import StoreError
from store.journal.log import Log
from store.journal.writer import Entry

MANY = 16
"""From so many entries on a commit takes less of the loop than the writer takes of its lock."""
QUICK_S, QUICK_ROW_S = 0.001, 0.000_02
"""A commit that takes longer, and this for each row, was slow."""
_READY_S = 0.000_1
"""Where the loop comes back later than this, something else was ready."""
_SLOW = 3
"""So many slow commits more than quick ones are the disk's, and not the machine's."""
_REST, _LONGEST_REST = 32, 1024
"""Then so many commits are the writer's; twice as many each time that the next is slow again."""
_MAX_BYTES = 128 * 1024
_CARRY_BYTES = 4 << 20
"""Then the writer makes one: its handle alone carries SQLite's log over into the file."""
_PAGES_BYTES = 12 * 1024
"""A commit writes whole pages, of the table and its index."""


class OnLoop:
    """Makes such commits on a handle of its own, which waits for no one."""

    def __init__(
        self, log: Log, working: threading.Lock, count: Callable[[int, float], None]
    ) -> None:
        self._log = log
        self._working = working
        self._count = count
        self._slow = 0
        self._resting = 0
        self._rest = _REST
        self._written_bytes = 0

    def writer_committed(self) -> None:
        """A commit was made by the writer, which carries the log over where it is long."""
        self._resting = max(0, self._resting - 1)
        self._written_bytes = 0

    def commit(self, entries: list[Entry]) -> tuple[int, float] | None:
        """Commit what has come in this turn, and count it; returns its rows and the seconds that
        it took. None: it is the writer's.
        """
        began = time.perf_counter()
        if (
            self._resting
            or self._written_bytes >= _CARRY_BYTES
            or (len(entries) < MANY and began - entries[0].came > _READY_S)
        ):
            return None
        size_bytes = sum(entry.size_bytes for entry in entries)
        if size_bytes > _MAX_BYTES or not self._working.acquire(blocking=False):
            return None
        try:
            self._written_bytes += size_bytes + _PAGES_BYTES
            rows = self._log.append([record for entry in entries for record in entry.records])
            took_s = time.perf_counter() - began
            self._judge(quick=took_s <= QUICK_S + QUICK_ROW_S * rows)
            self._count(rows, took_s)
        except StoreError:  # also where another process appends; the writer waits, and tells why
            self._resting = _REST
            return None
        else:
            return rows, took_s
        finally:
            self._working.release()

    def _judge(self, *, quick: bool) -> None:
        """Threads that the loop waited for make a commit slow as well: one alone says nothing."""
        if quick:
            self._slow = max(0, self._slow - 1)
            self._rest = _REST
        elif self._slow + 1 < _SLOW:
            self._slow += 1
        else:
            self._resting, self._rest = self._rest, min(2 * self._rest, _LONGEST_REST)

    def close(self) -> None:
        self._log.close()
