"""A checksum for each file of the tables: LanceDB keeps none, and a flipped bit reads as a value.

The flush notes what it has synced. A thread reads it all again, the newest first, with the least
priority there is, and says with numbers what is not as it was written.
"""

import contextlib
import os
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from reins.loops import ThreadLoop
from store.lance import manifest as manifests
from store.lance.damage import Range, as_ranges, ranges_text
from store.lance.diagnosis import view
from store.lance.faults import fault
from store.lance.sums import Sum, Sums
from store.lance.tables import read_all

_logger = structlog.get_logger(__name__)
_CHUNK_BYTES = 1 << 20
_BREATH_S = 0.02
"""Seconds between two chunks: the tables' readers and the agents come first."""
_AGAIN_S = 86_400.0
_LEAST_PRIORITY = 19


@dataclass(frozen=True, slots=True)
class Changed:
    """A file that is not as it was written, and the numbers of the rows in it."""

    table: str
    path: str
    journal_n: tuple[Range, ...] = ()

    def __str__(self) -> str:
        numbers = f", journal_n {ranges_text(self.journal_n)}" if self.journal_n else ""
        return f"{self.table}.lance/{self.path}{numbers}"


class Checksums:
    """The sums that are noted, and those of the files that a sync has made safe; for one thread."""

    def __init__(self, folder: Path, noted: Sums) -> None:
        self._folder = folder
        self.noted = dict(noted)
        self._versions: dict[str, int] = {}

    def changes(self, versions: Mapping[str, int]) -> tuple[Sums, list[tuple[str, str]]]:
        """The sums of new files of these versions, which are synced; the files that are gone."""
        new: dict[tuple[str, str], Sum] = {}
        gone: list[tuple[str, str]] = []
        for table, version in versions.items():
            if self._versions.get(table) == version:
                continue
            path = self._folder / f"{table}.lance"
            try:
                files = _files(path, version)
                added = {
                    (table, name): _sum(path / name)
                    for name in files
                    if (table, name) not in self.noted
                }
            except FileNotFoundError:
                continue  # compacted away in between: the next version is looked at
            new |= added
            gone += [key for key in self.noted if key[0] == table and key[1] not in files]
            self._versions[table] = version
        for key in gone:
            del self.noted[key]
        self.noted |= new
        return new, gone


class Checking(ThreadLoop):
    """A thread that reads every noted file again, then once a day.

    Starts once, after the store. `stop` ends it between two chunks.
    """

    def __init__(self, folder: Path, noted: Sums) -> None:
        super().__init__("checking")
        self._folder = folder
        self._noted = list(noted.items())
        self.total_bytes = sum(one.size_bytes for _, one in self._noted)
        self.done_bytes = 0
        self.changed: list[Changed] = []

    def run_once(self) -> float:
        with contextlib.suppress(OSError, AttributeError):  # it may not be ours to set
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LEAST_PRIORITY)
        self.done_bytes = 0
        changed: list[Changed] = []
        for (table, name), noted in reversed(self._noted):
            if self._differs(table, name, noted):
                changed.append(_changed(self._folder, table, name))
                _logger.error("a data file is not as it was written", file=str(changed[-1]))
            if self.stopping:
                return 0.0
        self.changed = changed
        return _AGAIN_S

    def _differs(self, table: str, name: str, noted: Sum) -> bool:
        path = self._folder / f"{table}.lance" / name
        crc = size = 0
        try:
            for chunk in _chunks(path):
                crc, size = zlib.crc32(chunk, crc), size + len(chunk)
                self.done_bytes += len(chunk)
                if self.pause(_BREATH_S):
                    return False
        except FileNotFoundError:
            self.done_bytes += noted.size_bytes
            return False  # compacted away, or the next start says that it is gone
        return (size, crc) != noted


def changed_files(folder: Path, noted: Sums) -> list[Changed]:
    """The noted files of a folder that are there and not as they were written."""
    found = []
    for (table, name), one in noted.items():
        path = folder / f"{table}.lance" / name
        with contextlib.suppress(FileNotFoundError):
            if _sum(path) != one:
                found.append(_changed(folder, table, name))
    return found


def _files(table: Path, version: int) -> set[str]:
    head = manifests.path_of(table, version)
    names = {file.path for one in manifests.read(head).fragments.values() for file in one.files}
    return names | {f"_versions/{head.name}"}


def _sum(path: Path) -> Sum:
    crc = size = 0
    for chunk in _chunks(path):
        crc, size = zlib.crc32(chunk, crc), size + len(chunk)
    return Sum(size, crc)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _changed(folder: Path, table: str, name: str) -> Changed:
    numbers: list[int] = []
    path = folder / f"{table}.lance"
    fault(partial(_read_numbers, path, name, numbers), path / name)
    return Changed(table, name, as_ranges(sorted(numbers)))


def _read_numbers(table: Path, name: str, numbers: list[int]) -> None:
    head = manifests.manifests(table)[0]
    fragments = manifests.read(head).fragments.values()
    own = {one.number for one in fragments if any(file.path == name for file in one.files)}
    if own:
        with view(table, head, own) as opened:
            if "journal_n" in opened.schema.names:
                rows = read_all(opened.search().select(["journal_n"]))
                numbers += [n for n in rows["journal_n"].to_pylist() if n is not None]
