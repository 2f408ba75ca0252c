"""The watch on the queue's folder: commits of other processes are heard of without a query."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import structlog
from watchdog.events import (
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from store.queue import TABLE

_logger = structlog.get_logger(__name__)


def watch(folder: Path, wake: Callable[[], object]) -> Callable[[], None]:
    """Call `wake`, from a thread, at each commit to the queue by any process; returns what ends it.

    Costs nothing while nothing happens. Where it cannot be, a safety poll has to do.
    """
    observer = Observer()
    kinds = [FileCreatedEvent, FileMovedEvent]  # reading a table opens files, and must not wake
    try:
        observer.schedule(
            _Waker(wake), str(folder / f"{TABLE.name}.lance" / "_versions"), event_filter=kinds
        )
        observer.start()
    except OSError as error:
        _logger.warning("the queue is polled, not watched", error=str(error)[:300])
        return lambda: None
    return lambda: _end(observer)


class _Waker(FileSystemEventHandler):
    def __init__(self, wake: Callable[[], object]) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        del event
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._wake()


def _end(observer: BaseObserver) -> None:
    observer.stop()
    observer.join()
