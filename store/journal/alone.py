"""The commit of a caller that is alone, made on the loop: quicker than a hand-over to the writer.

The loop stands still for it, so it is made only where nobody waits for the loop: nothing else was
ready when its row came, no other commit is under way, and the disk is quick. A disk that is not
makes the loop wait once, and then for a while no more.
"""

import threading
import time
from collections.abc import Callable

from store.errors import StoreError
from store.journal.log import Log
from store.journal.writer import Entry

QUICK_S = 0.001
"""A commit that takes longer gains little by it, and would hold the loop for too long."""
_READY_S = 0.000_1
"""Where the loop comes back later than this, something else was ready."""
_SLOW_FOR = 32
"""So many commits must be quick, in the writer's thread, before the loop makes one again."""
_IN_A_ROW = 256
"""Then the writer makes one: its handle alone carries SQLite's log over into the file."""
_MAX_BYTES = 64 * 1024


class Alone:
    """Makes such commits on a handle of its own, which waits for no one."""

    def __init__(
        self, log: Log, working: threading.Lock, count: Callable[[int, float], None]
    ) -> None:
        self._log = log
        self._working = working
        self._count = count
        self._slow_for = 0
        self._in_a_row = 0

    def committed(self, took_s: float) -> None:
        """A commit was made, here or by the writer."""
        if took_s > QUICK_S:
            self._slow_for = _SLOW_FOR
        elif self._slow_for:
            self._slow_for -= 1

    def commit(self, entry: Entry) -> tuple[int, float] | None:
        """Commit an entry that has just come, and count it; returns its rows and the seconds that
        it took. None: it is the writer's.
        """
        began = time.perf_counter()
        if (
            self._slow_for
            or began - entry.came > _READY_S
            or self._in_a_row >= _IN_A_ROW
            or entry.size_bytes > _MAX_BYTES
            or not self._working.acquire(blocking=False)
        ):
            self._in_a_row = 0
            return None
        try:
            self._in_a_row += 1
            rows = self._log.append(entry.records)
            took_s = time.perf_counter() - began
            self._count(rows, took_s)
        except StoreError:  # also where another process appends; the writer waits, and tells why
            self._slow_for = _SLOW_FOR
            return None
        else:
            return rows, took_s
        finally:
            self._working.release()

    def close(self) -> None:
        self._log.close()
