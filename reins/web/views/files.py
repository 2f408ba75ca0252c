"""The files of a session's workspace, as the page shows them: listed, read, and compared."""

import mimetypes
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, Literal

from reins.tools.outcome import ToolError
from reins.tools.starts import FILE_BYTES, MOST_FILES, Start, walked
from reins.tools.workspace import Entry, Workspace
from reins.web.views.rows import Wire

MOST_ENTRIES = 2_000
_LOOKED_AT = 2 * MOST_FILES
TEXT_BYTES = 512 * 1024
"""Bytes of a file that are shown; its download has them all."""
_TEXT_ENDINGS = frozenset({"csv", "tsv", "txt", "md", "log"})

ChangeName = Literal["added", "changed", "removed"]


class FileEntry(Wire):
    """A file, folder, link or special file of a workspace; `change`: since the session began."""

    path: str
    kind: Literal["file", "folder", "link", "special"]
    size_bytes: int
    change: ChangeName | None


class FileView(Wire):
    """A folder with its `items`, or a file with its `text`.

    `text` is null for a folder and for what is no text; `cut`: only its beginning is shown. `start`
    is the text when the session began, null where there was none or it was not kept; `compared`:
    what it was is known. Of the workspace's own folder `changed` lists every file that is not as it
    was. `more`: there is more than is listed. `workspace` is the folder on its machine, null before
    a tool has needed one.
    """

    workspace: str | None
    path: str
    kind: Literal["file", "folder"]
    size_bytes: int
    change: ChangeName | None
    compared: bool
    items: list[FileEntry]
    changed: list[FileEntry]
    more: bool
    text: str | None
    cut: bool
    start: str | None


NOTHING: dict[str, Any] = {
    "workspace": None, "path": "", "kind": "folder", "size_bytes": 0, "change": None,
    "compared": False, "items": [], "changed": [], "more": False, "text": None, "cut": False,
    "start": None,
}  # fmt: skip
"""The view of a workspace that is not there yet."""


def folder_view(here: Workspace, path: str, start: Start | None) -> dict[str, Any]:
    """A folder in the shape of `FileView`. Raises: ToolError."""
    found = here.entries(path, most=MOST_ENTRIES + 1)
    changed = _changed(here, start) if path == "." and start is not None else []
    return {
        **_nothing(here, path, "folder", start),
        "items": [_entry(here, each, start) for each in found[:MOST_ENTRIES]],
        "changed": changed[:MOST_ENTRIES],
        "more": len(found) > MOST_ENTRIES or len(changed) > MOST_ENTRIES,
    }


def file_view(here: Workspace, path: str, start: Start | None) -> dict[str, Any]:
    """A file in the shape of `FileView`; one that has been removed as it was. Raises: ToolError."""
    path = str(PurePosixPath(path))
    before = None if start is None else start.text_of(path)
    then = None if before is None else text_of(before)
    try:
        size_bytes, content = here.head(path, TEXT_BYTES)
    except ToolError:
        if start is None or not start.had(path):
            raise
        removed = {"change": "removed", "start": then}
        return {**_nothing(here, path, "file", start), **removed}
    whole = content if size_bytes <= len(content) else None
    return {
        **_nothing(here, path, "file", start),
        "size_bytes": size_bytes,
        "change": None if start is None else start.change(path, size_bytes, whole),
        "text": text_of(content),
        "cut": size_bytes > len(content),
        "start": then,
    }


def media_type(path: str) -> str:
    """The type under which a file is downloaded: never one that a browser would run or draw."""
    guessed = mimetypes.guess_type(path)[0] or ""
    if guessed.startswith("text/") and PurePosixPath(path).suffix[1:].lower() in _TEXT_ENDINGS:
        return f"{guessed}; charset=utf-8"
    return "application/octet-stream"


def text_of(content: bytes) -> str | None:
    """The content as text; None for what is none."""
    if b"\0" in content[:8_192]:
        return None
    return content.decode("utf-8", "replace")


def _nothing(here: Workspace, path: str, kind: str, start: Start | None) -> dict[str, Any]:
    own = "" if path == "." else path
    place = {"workspace": _printable(str(here.folder)), "path": own, "kind": kind}
    return {**NOTHING, **place, "compared": start is not None}


def _entry(here: Workspace, entry: Entry, start: Start | None) -> dict[str, Any]:
    return _row(entry, None if start is None else _change(here, entry, start))


def _row(entry: Entry, change: ChangeName | None) -> dict[str, Any]:
    return {
        "path": _printable(entry.path),
        "kind": entry.kind,
        "size_bytes": entry.size_bytes,
        "change": change,
    }


def _change(here: Workspace, entry: Entry, start: Start) -> ChangeName | None:
    if entry.kind != "file":
        return None
    known = start.change(entry.path, entry.size_bytes, None)
    if known is not None or entry.size_bytes > FILE_BYTES or start.text_of(entry.path) is None:
        return known
    try:
        return start.change(entry.path, entry.size_bytes, here.read(entry.path, FILE_BYTES))
    except ToolError:
        return None


def _changed(here: Workspace, start: Start) -> list[dict[str, Any]]:
    walk = list(islice(walked(here), _LOOKED_AT))
    now = {each.path: each for each in walk if each.kind == "file"}
    found = [(each, _change(here, each, start)) for each in now.values()]
    # Of what was not looked at nobody knows whether it is gone.
    missing = () if len(walk) == _LOOKED_AT else sorted(set(start.files) - set(now))
    gone: list[tuple[Entry, ChangeName | None]]
    gone = [(Entry(path, "file", 0), "removed") for path in missing]
    rows = [_row(each, change) for each, change in (*found, *gone) if change is not None]
    return sorted(rows, key=lambda row: row["path"])


def _printable(path: str) -> str:
    return path.encode("utf-8", "replace").decode()
