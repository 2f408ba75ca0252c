"""A folder whose files are documents: those that differ from what is stored, and those gone."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

_MOST_FILES = 100_000
"""As many as there may be documents."""
_Stat = tuple[int, int, int]
"""Size in bytes, and the times of the last change of the bytes and of the file, in nanoseconds."""


class FolderRefusedError(ValueError):
    """The files of the folder cannot be documents; the message says why."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The files to be added, and the sources of documents whose files are gone."""

    files: list[Path]
    gone: list[str]


class Folder:
    """Tells what has changed below a folder between one look and the next.

    A file is told of once it has stood still for one look, so that none is read half written;
    at the first look all are.
    """

    def __init__(self, path: Path) -> None:
        """Raises: FolderRefusedError where links lead nowhere."""
        self.path = _resolved(path)
        self._told: dict[Path, _Stat] = {}
        self._moving: dict[Path, _Stat] = {}
        self._has_begun = False

    @property
    def is_moving(self) -> bool:
        """True if a file may still be written: the next look tells."""
        return bool(self._moving)

    def look(self, sources: Collection[str]) -> Changes:
        """The changes to be made; `sources` are those of the documents that are stored. Blocks.

        Raises: OSError where the folder cannot be read: nothing counts as gone then;
        FolderRefusedError for one with too many files, and for one that has none at the first look
        although documents of it are stored: it may not be mounted yet.
        """
        os.scandir(self.path).close()
        found = self._found()
        below = f"{self.path}{os.sep}"
        own = [source for source in sources if source.startswith(below)]
        if own and not found and not self._has_begun:
            raise FolderRefusedError(
                f"{self.path} has no file, and {len(own):,} documents of it are stored; if it is "
                "mounted, and is to be empty, remove the documents"
            )
        differing = {path: stat for path, stat in found.items() if self._told.get(path) != stat}
        still = {
            path: stat
            for path, stat in differing.items()
            if not self._has_begun or self._moving.get(path) == stat
        }
        self._moving = {path: stat for path, stat in differing.items() if path not in still}
        self._told = {path: stat for path, stat in self._told.items() if path in found} | still
        self._has_begun = True
        return Changes(sorted(still), [each for each in own if _is_gone(Path(each))])

    def begin_anew(self) -> None:
        """Tell of all files at the next look: what was told of last came to nothing."""
        self._told, self._has_begun = {}, False

    def _found(self) -> dict[Path, _Stat]:
        found: dict[Path, _Stat] = {}
        for path in files_in(self.path):
            if (stat := _stat(path)) is not None:
                found[path] = stat
            if len(found) > _MOST_FILES:
                raise FolderRefusedError(
                    f"{self.path} holds more than {_MOST_FILES:,} files; give a smaller folder"
                )
        return found


def check_apart(folder: Path, data: Path) -> None:
    """Raises: FolderRefusedError for a folder that shares files with the data folder."""
    folder, data = _resolved(folder), _resolved(data)
    if folder.is_relative_to(data) or data.is_relative_to(folder):
        raise FolderRefusedError(
            f"{folder} holds the data folder {data}, or is in it, where the files of all documents "
            "are kept; give another folder"
        )


def files_in(folder: Path) -> Iterator[Path]:
    """The files below a folder by name, without hidden ones, and none that a link leads to."""
    for place, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place) / name
            if not name.startswith(".") and not path.is_symlink() and _is_file(path):
                yield path


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise FolderRefusedError(
            f"{path} cannot be followed ({error}); give a folder that its links lead to"
        ) from None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # its folder may be listed, and not looked into
        return False


def _is_gone(path: Path) -> bool:
    """True if it is known to be; not of one that may only not be looked at."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _stat(path: Path) -> _Stat | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns
