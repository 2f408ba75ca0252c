"""Actions as they come in and are marked, by whichever process, while somebody looks."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from reins.web.views.rows import action_row
from store.queue import reading as queue_reading
from store.queue import table as queue
from store.queue import watch as queue_watch
from store.reading import Reader

_EVERY_S = 0.1
_SAFETY_S = 2.0
_OVERLAP = timedelta(seconds=5)
"""Processes' clocks differ, and an action counts from when it was made, not from its commit."""


class QueueFeed:
    """Changes of the queue; wakes its owner when there may be some."""

    def __init__(self, store: Reader, wake: Callable[[], object]) -> None:
        self._store = store
        self._wake = wake
        self._unwatch: Callable[[], None] | None = None
        self._touched = False
        self._taken_at = 0.0
        self._since = datetime.now(UTC)
        self._seen: set[tuple[str, datetime | None]] = set()
        self._newest_n = 0

    def take(self) -> list[dict[str, Any]]:
        """The actions that are new, or newly processed, in the shape of `ActionRow`."""
        if self._unwatch is None:
            if not self._store.folder.queue.exists():  # nobody has asked for anything yet
                return []
            self._since = datetime.now(UTC) - _OVERLAP
            self._unwatch = queue_watch.watch(self._store.folder.path, self._touch, "committed")
            self._touched = True
        now = time.monotonic()
        waited_s = now - self._taken_at
        if waited_s < (_EVERY_S if self._touched else _SAFETY_S):
            if self._touched:
                self._wake()
            return []
        self._taken_at, self._touched = now, False
        return [action_row(row) for row in self._changed()]

    def close(self) -> None:
        """Look no more; the next `take` begins anew."""
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None
            self._seen.clear()

    def _touch(self) -> None:
        self._touched = True
        self._wake()

    def _changed(self) -> list[dict[str, Any]]:
        now = datetime.now(UTC)
        # In the future after a clock that was ahead: what is written now would not be found.
        self._since = min(self._since, now - _OVERLAP)
        rows = queue_reading.changed_since(self._store, self._since)
        fresh = [r for r in rows if _state(r) not in self._seen and not self._is_told(r, now)]
        self._seen = {_state(row) for row in rows}
        self._newest_n = max([self._newest_n, *(row[queue.NUMBER] or 0 for row in rows)])
        if rows:
            newest = max(row["processed_at"] or row["created_at"] for row in rows)
            # A clock that is ahead must not hide what others write meanwhile.
            self._since = max(self._since, min(newest, now) - _OVERLAP)
        return fresh

    def _is_told(self, row: dict[str, Any], now: datetime) -> bool:
        """True for what was told before the clock was set back, and has a time that comes yet."""
        at = row["processed_at"] or row["created_at"]
        return 0 < (row[queue.NUMBER] or 0) <= self._newest_n and bool(at > now + _OVERLAP)


def _state(row: dict[str, Any]) -> tuple[str, datetime | None]:
    return row["action_id"], row["processed_at"]
