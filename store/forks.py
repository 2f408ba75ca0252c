"""SQLite handles are closed before a fork: in a child they hold none of the locks they stand for.

It would append to a log that its parent deletes when it closes.
"""

import os
import threading
import weakref
from typing import Protocol


class Forked(Protocol):
    """Holds a handle, and a lock that is taken wherever it is used."""

    def before_fork(self) -> None:
        """Take every lock and close the handle; the next use opens it again."""
        ...

    def after_fork(self, *, child: bool) -> None:
        """Give the locks back."""
        ...


_known: "weakref.WeakSet[Forked]" = weakref.WeakSet()
_lock = threading.Lock()
_held: list[Forked] = []


def know(one: Forked) -> None:
    """Close its handle before each fork from now on."""
    with _lock:
        _known.add(one)


def _before() -> None:
    _lock.acquire()
    _held.extend(_known)
    for one in _held:
        one.before_fork()


def _after(*, child: bool) -> None:
    while _held:
        _held.pop().after_fork(child=child)
    _lock.release()


os.register_at_fork(
    before=_before,
    after_in_parent=lambda: _after(child=False),
    after_in_child=lambda: _after(child=True),
)
