"""Folders in which sessions work: where they may be, and how they are opened."""

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from reins.settings import Settings
from reins.tools.outcome import ToolError
from reins.tools.sandbox.surroundings import give

RESULTS = ".results"
_LONGEST = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def root_of(settings: Settings) -> Path:
    """The folder in which sessions that name no workspace have theirs."""
    own = settings.workspaces
    return (settings.data.absolute().parent / "workspaces" if own is None else own).absolute()


def open_for(session_id: str, asked: str | None, settings: Settings) -> Path:
    """The workspace of a session, made if it is not there: its own, or the folder it asks for.

    A folder that is asked for must be there, below a root that the settings list. Raises:
    ToolError where it may be no workspace, or cannot be used.
    """
    if asked is None:
        folder = root_of(settings) / folder_name(session_id)
    else:
        folder = _below_a_root(asked, settings)
    _refuse(folder, settings)
    try:
        if asked is None:
            _make(folder)
        if not folder.is_dir():
            raise ToolError(f"the workspace {folder} is no folder; make it first")
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise ToolError(
                f"the workspace {folder} is not ours to read and write; change its mode"
            )
    except OSError as error:
        raise ToolError(f"the workspace {folder} cannot be used: {error.strerror}") from None
    return folder


def _make(folder: Path) -> None:
    """Make it, for the user as whom commands run."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir()
        give(folder)


def results_of(session_id: str, settings: Settings) -> Path:
    """The folder in which results of a session's tools are kept whole."""
    return root_of(settings) / RESULTS / folder_name(session_id)


def folder_name(session_id: str) -> str:
    """The name of a session's folder: its id, where that can be one."""
    if _NAME.fullmatch(session_id):
        return session_id
    quoted = quote(session_id, safe="").replace(".", "%2E")
    if len(quoted) < _LONGEST:
        return f"%{quoted}"
    return f"%+{hashlib.sha256(quoted.encode()).hexdigest()}"


def _below_a_root(asked: str, settings: Settings) -> Path:
    roots = [Path(each).expanduser().resolve() for each in settings.workspace_roots]
    path = Path(asked).expanduser()
    if not path.is_absolute():
        path = root_of(settings) / path
    folder = path.resolve()
    for root in (*roots, root_of(settings).resolve()):
        if folder != root and folder.is_relative_to(root):
            return folder
        if folder == root and root in roots:
            return folder
    listed = ", ".join(map(str, roots)) or "none"
    raise ToolError(
        f"the workspace {folder} is below no folder that is allowed ({listed}); add one to "
        "REINS_WORKSPACE_ROOTS"
    )


def _refuse(folder: Path, settings: Settings) -> None:
    """Raises: ToolError for folders where an agent could harm what is not its own."""
    folder, home = folder.resolve(), Path.home().resolve()
    data = settings.data.resolve()
    if folder == Path(folder.anchor) or folder == home or folder in home.parents:
        raise ToolError(f"{folder} is no workspace: it holds a home or the whole machine")
    if folder == data or data in folder.parents or folder in data.parents:
        raise ToolError(f"{folder} is no workspace: the data folder {data} and it are one")
    root = root_of(settings).resolve()
    if folder.is_relative_to(root) and str(folder.relative_to(root)).startswith("."):
        raise ToolError(
            f"{folder} is no workspace: results of tools, and how workspaces began, are kept in "
            f"folders of {root} whose names begin with a dot, and in it"
        )
