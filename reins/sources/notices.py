"""Hints of the system that something in a folder has changed, by one watcher for all folders."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

_logger = structlog.get_logger(__name__)

_HINTS = frozenset({"created", "modified", "moved", "deleted", "closed"})
"""Of these kinds alone: reading opens files, and must not wake who reads."""


@dataclass(slots=True)
class _Heard:
    """A folder that is watched: which one it was, and who hears of it."""

    watch: ObservedWatch
    folder_id: tuple[int, int]
    hints: "list[_Hint]" = field(default_factory=list)


class Notices:
    """Calls back, on the loop, when something in a folder changes; folders below are others.

    (The library can watch them by itself, and ends when one goes while it begins to.)
    The watcher's threads begin with the first folder. Where a folder cannot be watched, whoever
    asked has to look by itself, a little later.
    """

    def __init__(self) -> None:
        self._observer: BaseObserver | None = None
        self._stopped = False
        self._heard: dict[Path, _Heard] = {}
        self._lock = threading.Lock()

    async def of(self, folder: Path, wake: Callable[[], object]) -> Callable[[], None]:
        """Call `wake` from now on; returns what ends that."""
        hint = _Hint(asyncio.get_running_loop(), wake)
        try:
            await asyncio.to_thread(self._watch, folder, hint)
        except OSError as error:
            _logger.warning("a folder is looked at now and then", error=str(error)[:300])
            return lambda: None

        def end() -> None:
            hint.ended = True

        return end

    def silent(self, folders: Sequence[Path]) -> list[Path]:
        """Those of which nothing is heard any more: the folder has gone, and another may have
        come in its place. Blocks.
        """
        with self._lock:
            return [path for path in folders if self._is_silent(path)]

    def _is_silent(self, folder: Path) -> bool:
        heard = self._heard.get(folder)
        if heard is None or self._observer is None:
            return False  # it could not be watched, or all ends
        # The system gives a new folder the number of one that has gone: a watcher that has ended
        # tells of that.
        alive = {each.watch for each in self._observer.emitters if each.is_alive()}
        return heard.watch not in alive or heard.folder_id != _folder_id(folder)

    def _watch(self, folder: Path, hint: "_Hint") -> None:
        with self._lock:
            self._sweep()
            hints = [hint]
            if folder in self._heard and self._is_silent(folder):
                hints += self._drop(folder).hints
            for each in hints:
                watch = self._watcher().schedule(each, str(folder), recursive=False)
                if folder not in self._heard:
                    self._heard[folder] = _Heard(watch, _folder_id(folder) or (0, 0))
                self._heard[folder].hints.append(each)

    def _sweep(self) -> None:
        """End what nobody hears of any more: each folder costs threads."""
        for folder, heard in [*self._heard.items()]:
            heard.hints = [each for each in heard.hints if not each.ended]
            if not heard.hints:
                self._drop(folder)

    def _drop(self, folder: Path) -> _Heard:
        heard = self._heard.pop(folder)
        self._watcher().unschedule(heard.watch)
        return heard

    def _watcher(self) -> BaseObserver:
        if self._observer is None:
            self._observer = Observer()
            self._observer.start()
        return self._observer

    async def stop(self) -> None:
        """End the watcher's threads; a second stop does nothing."""
        observer, self._stopped = self._observer, True
        self._observer = None
        if observer is not None:
            observer.stop()
            await asyncio.to_thread(observer.join)


def _folder_id(folder: Path) -> tuple[int, int] | None:
    try:
        known = folder.stat()
    except OSError:
        return None
    return known.st_dev, known.st_ino


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
