"""The watch on the queue: what other processes commit is heard of without a query."""

import contextlib
import os
from collections.abc import Callable, Mapping
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

from store.queue.table import TABLE

_logger = structlog.get_logger(__name__)
Of = Literal["enqueued", "committed", "table"]
"""Another process has enqueued; anybody has committed to the file; a version of the table."""
Rung = Literal["enqueued", "committed"]
_BELLS: Mapping[Rung, Path] = {
    "enqueued": Path("bells", "enqueued"),
    "committed": Path("bells", "committed", "rung"),
}
"""Each in a folder of its own: a watch on a file wakes for every write to a file beside it."""


class Bells:
    """Rung by who commits: whoever looks at the queue hears `committed`, and a worker to whom
    nobody hands his actions `enqueued`.
    """

    def __init__(self, folder: Path) -> None:
        """Raises: OSError."""
        self._descriptors: dict[Rung, int] = {}
        for of in _BELLS:
            path = hung(folder, of)
            self._descriptors[of] = os.open(path, os.O_WRONLY | os.O_CLOEXEC)

    def ring(self, of: Rung) -> None:
        with contextlib.suppress(OSError):  # who listens looks by himself, a little later
            os.pwrite(self._descriptors[of], b"\n", 0)

    def close(self) -> None:
        for descriptor in self._descriptors.values():
            os.close(descriptor)


def hung(folder: Path, of: Rung) -> Path:
    """The path of a bell, which is there. Raises: OSError."""
    path = folder / _BELLS[of]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o600)
    return path


def watch(folder: Path, wake: Callable[[], object], of: Of) -> Callable[[], None]:
    """Call `wake`, from a thread, each time that it happens; returns what ends that.

    Costs nothing while nothing happens. Where it cannot be, a safety poll has to do.
    """
    try:
        if of == "table":
            versions = folder / f"{TABLE.name}.lance" / "_versions"
            return partial(_end, _watched(wake, versions, FileCreatedEvent, FileMovedEvent))
        return partial(_end, _watched(wake, hung(folder, of), FileModifiedEvent))
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
