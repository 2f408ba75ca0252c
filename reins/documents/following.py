"""The worker's loop for `REINS_DOCUMENT_FOLDERS`: their files are documents, as they are now."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import structlog

from reins.documents.folders import Folder, FolderRefusedError
from reins.documents.watching import Watcher
from reins.loops import ThreadLoop
from reins.settings import Settings
from store.errors import StoreError
from store.queue import reading as queue_reading
from store.queue.writer import writer_at
from store.reading import Reader

_logger = structlog.get_logger(__name__)

ACTOR = "Reins"
_FIRST_S = 0.5
"""A start is not held up by it."""
_LOOK_S, _LONGEST_S = 2.0, 60.0
_REST = 50
"""Times as long as a look has computed, it rests: the sessions need the machine."""
_STILL_S = 1.0
"""A file that differs is added if it is the same after that."""
_AT_ONCE = 32
"""Files that are asked for before the next: the queue is everybody's."""
_DONE_S = 0.1


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A folder of the settings; `trouble` says why it is not looked at, None where it is."""

    path: Path
    trouble: str | None = None


class DocumentFolders(ThreadLoop):
    """Asks for what has changed in the folders that the settings name; ends with the worker."""

    def __init__(self, store: Reader, settings: Callable[[], Settings]) -> None:
        super().__init__("document folders", first_delay_s=_FIRST_S)
        self._store = store
        self._settings = settings
        self._folders: dict[Path, Folder] = {}
        self._troubles: dict[Path, str] = {}
        """Said once, until they are over."""
        self._left_out: set[str] = set()
        """Why files were, each said once."""
        self._is_first = True

    def told(self) -> list[WatchedFolder]:
        """The folders as they are now; from any thread."""
        wanted = self._settings().document_folders
        return [WatchedFolder(path, self._troubles.get(path)) for path in wanted]

    def run_once(self) -> float | None:
        wanted = self._settings().document_folders
        self._folders = {path: self._folders[path] for path in wanted if path in self._folders}
        self._troubles = {path: said for path, said in self._troubles.items() if path in wanted}
        if not wanted:
            return None
        if self._is_first:  # what a killed worker has asked for is not asked for again
            self._wait_for(self._asked_before())
            self._is_first = False
        began_s = time.thread_time()
        for path in wanted:
            self._follow(path)
        is_moving = any(folder.is_moving for folder in self._folders.values())
        rest_s = _REST * (time.thread_time() - began_s)
        return min(_LONGEST_S, max(_STILL_S if is_moving else _LOOK_S, rest_s))

    def _follow(self, path: Path) -> None:
        watcher = Watcher(
            self._store, writer_at(self._store.folder), ACTOR, "REINS_DOCUMENT_FOLDERS"
        )
        waiting: list[str] = []
        try:
            folder = self._folders.get(path) or Folder(path)
            self._folders[path] = folder
            with closing(watcher.look(folder, lambda: self.stopping)) as look:
                for asked in look:
                    if asked.action_id is None:
                        self._tell_left_out(asked.line)
                    else:
                        waiting.append(asked.action_id)
                    if len(waiting) >= _AT_ONCE:
                        self._wait_for(waiting)
                        waiting = []
                    if self.stopping:
                        return
                self._wait_for(waiting)
        except (OSError, FolderRefusedError, StoreError) as error:
            self._tell_trouble(path, error)
        else:
            if self._troubles.pop(path, None) is not None:
                _logger.info("a folder of documents is there again", folder=str(path))

    def _tell_left_out(self, why: str) -> None:
        if why not in self._left_out:
            self._left_out.add(why)
            _logger.warning("a file is no document", why=why[:500])

    def _tell_trouble(self, path: Path, error: Exception) -> None:
        kind, before = type(error).__name__, self._troubles.get(path, "")
        self._troubles[path] = said = f"{kind}: {error}"[:500]
        if not before.startswith(f"{kind}:"):  # figures in it may differ each time
            _logger.warning(
                "a folder of documents is not looked at; it is tried again",
                folder=str(path),
                error=said,
            )

    def _asked_before(self) -> list[str]:
        rows = queue_reading.waiting(self._store, ("document_add", "document_remove"))
        return [row["action_id"] for row in rows if row["actor"] == ACTOR]

    def _wait_for(self, action_ids: Sequence[str]) -> None:
        """Return once the worker has done what was asked for, or the loop is to stop."""
        left = list(action_ids)
        while left and not self.pause(_DONE_S):
            rows = queue_reading.get_actions(self._store, left)
            for row in rows:
                if row["outcome"] == "rejected":
                    self._tell_left_out(str(row["error"]))
            left = [row["action_id"] for row in rows if not row["processed"]]
