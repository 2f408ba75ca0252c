"""The watch on the queue: what other processes commit is heard of without a query."""

import contextlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import structlog
from watchdog.events import (
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from store.journal import acknowledged
from store.queue.table import TABLE

_logger = structlog.get_logger(__name__)
_BELL = Path("bells", "enqueued")
"""In a folder of its own: a watch on a file wakes for every write to a file beside it."""


class Bell:
    """Rung by a process that has enqueued and has no worker to hand its actions to."""

    def __init__(self, folder: Path) -> None:
        """Raises: OSError."""
        path = folder / _BELL
        path.parent.mkdir(exist_ok=True)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def ring(self) -> None:
        with contextlib.suppress(OSError):  # the worker looks by itself, a little later
            os.pwrite(self._descriptor, b"\n", 0)

    def close(self) -> None:
        os.close(self._descriptor)


Of = Literal["enqueued", "committed", "table"]
"""Another process has enqueued; anybody has committed to the file; a version of the table."""


def watch(folder: Path, wake: Callable[[], object], of: Of) -> Callable[[], None]:
    """Call `wake`, from a thread, each time that it happens; returns what ends that.

    Costs nothing while nothing happens. Where it cannot be, a safety poll has to do.
    """
    try:
        if of == "table":
            versions = folder / f"{TABLE.name}.lance" / "_versions"
            return partial(_end, _watched(wake, versions, FileCreatedEvent, FileMovedEvent))
        note = acknowledged.path_of(folder / "queue.sqlite")
        rung = folder / _BELL if of == "enqueued" else note
        rung.parent.mkdir(exist_ok=True)
        rung.touch(0o600)
        return partial(_end, _watched(wake, rung, FileModifiedEvent))
    except OSError as error:
        _logger.warning("the queue is polled, not watched", error=str(error)[:300])
        return lambda: None


class _Waker(FileSystemEventHandler):
    def __init__(self, wake: Callable[[], object]) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        del event
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._wake()


def _watched(wake: Callable[[], object], path: Path, *kinds: type[FileSystemEvent]) -> BaseObserver:
    """Raises: OSError."""
    observer = Observer()
    # Of these kinds alone: reading opens files, and must not wake.
    observer.schedule(_Waker(wake), str(path), event_filter=list(kinds))
    observer.start()
    return observer


def _end(observer: BaseObserver) -> None:
    observer.stop()
    observer.join()
