"""A folder whose files are documents: those that differ from what is stored, and those gone."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_Stat = tuple[int, int]
"""Size in bytes, and the time of the last change in nanoseconds."""


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
        self.path = path.resolve()
        self._told: dict[Path, _Stat] = {}
        self._moving: dict[Path, _Stat] = {}
        self._has_begun = False

    def look(self, sources: Mapping[str, object]) -> Changes:
        """The changes to be made; `sources` are those of the documents that are stored. Blocks.

        Raises: OSError where the folder cannot be read: nothing counts as gone then.
        """
        os.scandir(self.path).close()
        found = {path: stat for path in files_in(self.path) if (stat := _stat(path)) is not None}
        differing = {path: stat for path, stat in found.items() if self._told.get(path) != stat}
        still = {
            path: stat
            for path, stat in differing.items()
            if not self._has_begun or self._moving.get(path) == stat
        }
        self._moving = {path: stat for path, stat in differing.items() if path not in still}
        self._told = {path: stat for path, stat in self._told.items() if path in found} | still
        self._has_begun = True
        below = f"{self.path}{os.sep}"
        own = [source for source in sources if source.startswith(below)]
        return Changes(sorted(still), [each for each in own if not Path(each).exists()])


def files_in(folder: Path) -> Iterator[Path]:
    """The files below a folder by name, without hidden ones, and none that a link leads to."""
    for place, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place) / name
            if not name.startswith(".") and not path.is_symlink() and path.is_file():
                yield path


def _stat(path: Path) -> _Stat | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
