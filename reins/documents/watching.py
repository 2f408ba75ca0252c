"""Documents that follow the files of a folder: each change is asked for, as anybody asks."""

import hashlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_core.actions.action import create_action
from agent_core.actions.documents import checked_source
from agent_core.actions.ids import ActionError
from reins.documents.asking import file_bytes, put_blob
from reins.documents.folders import Folder, check_apart
from reins.documents.reading import UnreadableError, kind_of
from store import documents
from store.queue.writer import QueueWriter
from store.reading import Reader


@dataclass(frozen=True, slots=True)
class Asked:
    """A file of which was asked, by the action of that id; or that was left out, by none."""

    line: str
    action_id: str | None = None


@dataclass(frozen=True, slots=True)
class Watcher:
    """Asks for the documents of folders; `by` is the command or the setting that wants them."""

    store: Reader
    writer: QueueWriter
    actor: str
    by: str

    def look(
        self, folder: Folder, stopping: Callable[[], bool] = lambda: False
    ) -> Generator[Asked]:
        """Ask for what has changed below a folder; tells each file, one after the other. Blocks,
        for one file once `stopping` is true.

        What could not be asked for is told again at the next look. Raises: FolderRefusedError;
        OSError where the folder is away; StoreError.
        """
        check_apart(folder.path, self.store.folder.path)
        stored = {row["source"]: row for row in documents.list_documents(store=self.store)}
        changes = folder.look(stored)
        try:
            for path in changes.files:
                if stopping():
                    return
                yield from self._file(folder, path, stored.get(str(path)))
            for source in changes.gone:
                document_id = stored[source]["document_id"]
                asked = self._ask("document_remove", folder, "is gone", document_id=document_id)
                yield Asked(f"removed {source}", asked)
        except BaseException:  # whoever looks may have failed, or go, amid it
            folder.begin_anew()
            raise

    def _file(self, folder: Folder, path: Path, before: dict[str, Any] | None) -> Iterator[Asked]:
        try:
            source = checked_source(str(path))
            data = file_bytes(path)
            if before is not None and before["sha256"] == hashlib.sha256(data).hexdigest():
                return
            kind_of(data, source)
            blob = put_blob(self.store.folder, data)
        except ActionError as error:
            yield Asked(f"left out: {error}")
        except UnreadableError as error:
            yield Asked(f"left out: {path}: {error}")
        else:
            why = "is new" if before is None else "has changed"
            asked = self._ask("document_add", folder, why, source=source, blob=blob)
            yield Asked(f"added {path}", asked)

    def _ask(self, action_type: str, folder: Folder, why: str, **parts: Any) -> str:
        said = f"{self.by} watches {folder.path}, where the file {why}"
        action = create_action(action_type, self.actor, description=said, **parts)
        self.writer.append(action)
        return str(action["action_id"])
