"""Of the machine, the parts that every command sees, whichever confinement is in force."""

import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

NOBODY = 64_999
"""The user of commands where Reins runs as root: of no other process."""
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64")
SETTINGS = (
    "alternatives",
    "ca-certificates",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "pki",
    "ssl",
)
_PATH = "/usr/local/bin:/usr/bin:/bin"


class WorkspaceOwnerError(RuntimeError):
    """No command is run: it could not write in the workspace, or would have to be root there."""


def variables(home: str, readable: Sequence[Path]) -> dict[str, str]:
    """All variables of a command; none of ours are among them."""
    own = [str(path / "bin") for path in readable if (path / "bin").is_dir()]
    return {"PATH": ":".join([*own, _PATH]), "HOME": home, "LANG": "C.UTF-8"}


def python() -> list[Path]:
    """Folders of this Python and its packages, where they are not the system's; they hold no data.

    One that would show a home, or all, is left out: the system's Python has to do then.
    """
    found: list[Path] = []
    for prefix in dict.fromkeys((sys.prefix, sys.base_prefix)):
        path = Path(prefix)
        if not path.is_relative_to("/usr") and not _home().is_relative_to(path):
            found.append(path)
    return found


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a user whom the system does not know
        return Path("/")


def reachable(paths: Sequence[Path]) -> Sequence[Path]:
    """These, or none where the command's user does not get to one of them by its own path."""
    if owner() is None:
        return paths
    above = {each for path in paths for each in path.resolve().parents}
    return paths if all(map(_open_to_all, above)) else ()


def _open_to_all(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IXOTH)


def owner() -> int | None:
    """The user who must own a workspace; None where it is whoever runs Reins."""
    return NOBODY if os.geteuid() == 0 else None


def give(folder: Path) -> Path:
    """Make a folder the commands' user's; returns it."""
    if (user := owner()) is not None:
        os.chown(folder, user, user)
    return folder


def check_owner(workspace: Path) -> None:
    """Raises: WorkspaceOwnerError, FileNotFoundError, NotADirectoryError."""
    found = workspace.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(f"the workspace {workspace} is no folder")
    wanted = owner()
    if wanted is not None and found.st_uid != wanted:
        raise WorkspaceOwnerError(
            f"Reins runs as root, so commands run as user {wanted}, and the workspace {workspace} "
            f"belongs to {found.st_uid}. Run Reins as an ordinary user, or give the folder away: "
            f"chown -R {wanted}:{wanted} {workspace}"
        )
