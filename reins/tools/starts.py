"""A workspace as its session found it, kept once beside the workspaces: what came since is a diff.

Texts are kept whole within bounds; of anything else its size and time say whether it has changed.
"""

import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import orjson

from reins.settings import Settings
from reins.tools.outcome import ToolError
from reins.tools.workspace import Entry, Workspace, digest
from reins.tools.workspaces import RESULTS, folder_name, root_of

FOLDER = ".start"
"""Below the root of the workspaces, where no session can have its own."""
MOST_FILES = 5_000
FILE_BYTES = 256 * 1024
WHOLE_BYTES = 32 << 20
NOT_LOOKED_INTO = frozenset(
    {
        FOLDER,
        RESULTS,
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "venv",
        "node_modules",
        "__pycache__",
        ".mypy_cache",
    }
)
_DEPTH = 24
_INDEX = "index.json"

Change = Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class Start:
    """The files at the start; `whole` false: more were there than is looked at, so none is new."""

    folder: Path
    files: Mapping[str, "_Kept"] = field(default_factory=dict)
    whole: bool = True

    def text_of(self, path: str) -> bytes | None:
        """The content of a file then; None where it was not there, or was not kept."""
        kept = self.files.get(path)
        if kept is None or kept.content is None:
            return None
        with suppress(OSError):
            return (self.folder / kept.content).read_bytes()
        return None

    def had(self, path: str) -> bool:
        return path in self.files

    def change(self, path: str, size_bytes: int, content: bytes | None) -> Change | None:
        """The change of a file that is there now; `content` where it was read."""
        kept = self.files.get(path)
        if kept is None:
            return "added" if self.whole else None
        if kept.size_bytes != size_bytes:
            return "changed"
        if content is None or kept.content is None:
            return None
        return None if kept.content == digest(content) else "changed"


@dataclass(frozen=True, slots=True)
class _Kept:
    size_bytes: int
    content: str | None


def folder_of(session_id: str, settings: Settings) -> Path:
    """The folder in which the start of a session's workspace is kept."""
    return root_of(settings) / FOLDER / folder_name(session_id)


def keep(workspace: Path, folder: Path) -> None:
    """Keep the workspace as it is now, unless its start is kept already. Blocks.

    Raises: ToolError, OSError.
    """
    if (folder / _INDEX).is_file():
        return
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = folder.with_name(f".{folder.name[:150]}.{secrets.token_hex(4)}")
    part.mkdir(mode=0o700)
    try:
        with Workspace(workspace) as here:
            index = _copied(here, part)
        (part / _INDEX).write_bytes(orjson.dumps(index))
        try:
            part.rename(folder)
        except OSError:
            if not (folder / _INDEX).is_file():  # else another was first
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _copied(here: Workspace, part: Path) -> dict[str, Any]:
    files: dict[str, Any] = {}
    room = WHOLE_BYTES
    for entry in walked(here):
        if entry.kind != "file" or not _is_text(entry.path):
            continue
        if len(files) >= MOST_FILES:
            return {"files": files, "whole": False}
        content = _read(here, entry) if entry.size_bytes <= min(FILE_BYTES, room) else None
        name = None if content is None else digest(content)
        if name is not None and content is not None and not (part / name).exists():
            (part / name).write_bytes(content)
            room -= len(content)
        files[entry.path] = [entry.size_bytes, name]
    return {"files": files, "whole": True}


def _is_text(path: str) -> bool:
    """False for a name that is not UTF-8: no list could hold it."""
    return not any("\ud800" <= sign <= "\udfff" for sign in path)


def _read(here: Workspace, entry: Entry) -> bytes | None:
    with suppress(ToolError):
        return here.read(entry.path, FILE_BYTES)
    return None


def walked(here: Workspace, path: str = ".", depth: int = _DEPTH) -> Iterator[Entry]:
    """All files and folders of a workspace but what tools and histories put there."""
    try:
        found = here.entries(path, most=MOST_FILES + 1)
    except ToolError:  # removed meanwhile, or not ours to read
        return
    for entry in found:
        yield entry
        name = PurePosixPath(entry.path).name
        if entry.kind == "folder" and depth > 1 and name not in NOT_LOOKED_INTO:
            yield from walked(here, entry.path, depth - 1)


def kept(folder: Path) -> Start | None:
    """The start that is kept in a folder; None where there is none that can be read."""
    try:
        index = orjson.loads((folder / _INDEX).read_bytes())
        files = {path: _Kept(size, content) for path, (size, content) in index["files"].items()}
        return Start(folder, files, bool(index["whole"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
