"""SQLite handles are closed before a fork: in a child they hold none of the locks they stand for.

It would append to a log that its parent deletes when it closes.
"""

import contextlib
import os
import threading
import weakref
from typing import Protocol

PATIENCE_S = 5.0
"""A lock is held for a query or a commit."""


class Forked(Protocol):
    """Holds a handle, and a lock that is taken wherever it is used."""

    def before_fork(self) -> bool:
        """Take every lock and close the handle; the next use opens it again. False if a lock is
        not to be had: the thread that forks may hold it itself.
        """
        ...

    def after_fork(self, *, child: bool) -> None:
        """Give the locks back; only after they were taken."""
        ...


_known: "weakref.WeakSet[Forked]" = weakref.WeakSet()
_lock = threading.Lock()
_held: list[Forked] = []


def know(one: Forked) -> None:
    """Close its handle before each fork from now on."""
    with _lock:
        _known.add(one)


def free_in_child(lock: threading.Lock) -> None:
    """Let no fork come while the lock is held: a child has no thread that would give it back."""
    os.register_at_fork(
        before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
    )


def _before() -> None:
    _lock.acquire()
    for one in list(_known):
        with contextlib.suppress(Exception):  # whatever is wrong with one, the others follow
            if one.before_fork():
                _held.append(one)


def _after(*, child: bool) -> None:
    try:
        while _held:
            with contextlib.suppress(Exception):
                _held.pop().after_fork(child=child)
    finally:
        _lock.release()


os.register_at_fork(
    before=_before,
    after_in_parent=lambda: _after(child=False),
    after_in_child=lambda: _after(child=True),
)
