"""Paths of data folders: of this machine, short enough for everything below, and what is there."""

import os
import re
from pathlib import Path

from store.errors import FolderUnusableError

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")  # a Path has one slash of two left
_NAME_BYTES = 255
_PATH_BYTES = 3_800  # Linux takes 4,096, and LanceDB's names of files come behind it


def check_local_path(path: str) -> None:
    """Raises: FolderUnusableError, where it can be no folder of this machine."""
    why = None
    if _ADDRESS.match(path):
        why = "it is an address; lock, sync and watch need a folder of this machine"
    elif not path.isprintable():
        why = "it has control or invisible characters, which LanceDB cannot open"
    elif len(os.fsencode(path)) > _PATH_BYTES or any(
        len(os.fsencode(part)) > _NAME_BYTES for part in Path(path).parts
    ):
        why = f"it is too long; expected {_PATH_BYTES} bytes, {_NAME_BYTES} for a name, at the most"
    if why:
        raise FolderUnusableError(
            f"the data folder {path[:200]!a} cannot be used: {why}. Give a local folder with "
            "REINS_DATA or --data."
        )


def bytes_in(folder: Path) -> int:
    """Bytes of all files in a folder and below; 0 of one that is not there."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).stat().st_size
            except OSError:  # cleaned away meanwhile
                continue
    return total
