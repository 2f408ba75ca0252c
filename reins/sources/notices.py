"""Hints of the system that something in a folder has changed, by one watcher for all folders."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

_logger = structlog.get_logger(__name__)

_HINTS = frozenset({"created", "modified", "moved", "deleted", "closed"})
"""Of these kinds alone: reading opens files, and must not wake who reads."""


class Notices:
    """Calls back, on the loop, when something in a folder changes; folders below are others.

    (The library can watch them by itself, and ends when one goes while it begins to.)
    The watcher's threads begin with the first folder. Where a folder cannot be watched, whoever
    asked has to look by itself, a little later.
    """

    def __init__(self) -> None:
        self._observer: BaseObserver | None = None
        self._stopped = False

    async def of(self, folder: Path, wake: Callable[[], object]) -> Callable[[], None]:
        """Call `wake` from now on; returns what ends that."""
        hint = _Hint(asyncio.get_running_loop(), wake)
        try:
            watch = await asyncio.to_thread(self._watch, folder, hint)
        except OSError as error:
            _logger.warning("a folder is looked at now and then", error=str(error)[:300])
            return lambda: None

        def end() -> None:
            hint.ended = True
            if self._observer is not None and not self._stopped:
                self._observer.remove_handler_for_watch(hint, watch)

        return end

    def _watch(self, folder: Path, hint: "_Hint") -> ObservedWatch:
        if self._observer is None:
            self._observer = Observer()
            self._observer.start()
        return self._observer.schedule(hint, str(folder), recursive=False)

    async def stop(self) -> None:
        """End the watcher's threads; a second stop does nothing."""
        observer, self._stopped = self._observer, True
        self._observer = None
        if observer is not None:
            observer.stop()
            await asyncio.to_thread(observer.join)


class _Hint(FileSystemEventHandler):
    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], object]) -> None:
        self.ended = False
        self._loop = loop
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in _HINTS and not self.ended:
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:  # the loop has ended
                self.ended = True
