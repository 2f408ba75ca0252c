"""A loss of power, made from a record: the folder as a disk might have kept it.

What was synced is there. Of the rest each page of a file is there, is not, or is torn at a sector;
new files, renames and removals are there up to some moment, or some of them and those that they
build on. One record gives as many losses as it has moments, each drawn by a seed.
"""

import random
import shutil
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.support.faults.control import Faults

PAGE_BYTES, SECTOR_BYTES = 4096, 512
_HEAD = struct.Struct("<IIQQQ")
_CREATE, _TRUNCATE, _WRITE, _RENAME, _UNLINK, _LINK, _MKDIR, _RMDIR = range(1, 9)
_SYNC, _SYNCED, _SYNC_FAILED, _NOTE = range(9, 13)
_OF_A_FILE = 1
"""Scope of a sync; the other is the file system's."""
_DIRECTORY = -1


@dataclass(slots=True)
class _Change:
    """Bytes or size of one file, or names of some."""

    at: int
    op: int
    file: int = 0
    offset: int = 0
    body: bytes = b""
    paths: tuple[str, ...] = ()
    synced: bool = False
    doomed: bool = False  # in the hands of a sync that failed: no later one writes it


@dataclass(slots=True)
class _Sync:
    before: int
    scope: int
    file: int | None
    path: str


@dataclass(slots=True)
class _Names:
    """Which file stands under which path; a directory is a file too."""

    files: dict[str, int] = field(default_factory=dict)

    def apply(self, change: _Change) -> None:
        first, last = change.paths[0], change.paths[-1]
        match change.op:
            case 1 | 7:
                self.files[first] = change.file
            case 5 | 8:
                self.files.pop(first, None)
            case 6 if first in self.files:
                self.files[last] = self.files[first]
            case 4:
                moved = {p: f for p, f in self.files.items() if _within(p, first)}
                for path in moved:
                    del self.files[path]
                self.files |= {last + path[len(first) :]: f for path, f in moved.items()}


class Recording:
    """The changes of a folder from now on, by all processes under the same faults."""

    def __init__(self, faults: Faults, folder: Path, aside: Path) -> None:
        """`folder` is taken as synced; a copy of it is kept in `aside`."""
        self._faults, self._folder, self._base = faults, folder, aside
        if folder.exists():
            shutil.copytree(folder, aside)
        else:
            aside.mkdir()
        self._inodes = {
            each.stat().st_ino: str(each.relative_to(folder))
            for each in (folder.rglob("*") if folder.exists() else ())
        }

    def __enter__(self) -> Self:
        self._faults.record_file.unlink(missing_ok=True)
        self._faults.record(self._folder)
        return self

    def __exit__(self, *_: object) -> None:
        self._faults.record(None)

    def history(self) -> "History":
        return History(
            self._base, self._inodes, self._faults.record_file.read_bytes(), str(self._folder)
        )


class History:
    """All that was recorded; `lose` cuts it off at a moment."""

    def __init__(self, base: Path, inodes: dict[int, str], record: bytes, root: str) -> None:
        self._base = base
        self._changes: list[_Change] = []
        self._ends: list[tuple[int, _Sync, bool]] = []  # moment, sync, whether it succeeded
        self.notes: list[tuple[int, str]] = []
        """Moment and text of each note, in their order."""
        self._names = _Names({path: n for n, path in enumerate(sorted(inodes.values()), 1)})
        self._first = dict(self._names.files)
        self._files = {ino: self._names.files[path] for ino, path in inodes.items()}
        self._count = len(self._files)
        self.moments = 0
        self._read(record, root)

    def lose(self, to: Path, *, at: int, seed: int) -> str:
        """Make the folder `to` as it may be after a loss of power at that moment; says how."""
        chance = random.Random(f"{seed} {at}")
        changes = [change for change in self._changes if change.at < at]
        self._settle(changes, at)
        kept = chance.choice((0.0, 1.0, chance.random(), chance.random()))
        ordered = chance.random() < 0.5
        names = _Names(dict(self._first))
        of_names = [change for change in changes if change.paths]
        for change in _names_kept(of_names, chance, kept, ordered=ordered):
            names.apply(change)
        by_file: dict[int, list[_Change]] = defaultdict(list)
        for change in changes:
            if not change.paths:
                by_file[change.file].append(change)
        self._write(to, names, by_file, chance, kept)
        return f"moment {at} of {self.moments}, {kept:.0%} kept, {'' if ordered else 'not '}ordered"

    def _read(self, record: bytes, root: str) -> None:
        begun: dict[int, _Sync] = {}
        for at, (op, a, b, body) in enumerate(_records(record)):
            self.moments = at + 1
            match op:
                case 12:
                    self.notes.append((at, body.decode()))
                case 9:
                    path = _relative(body.decode(), root)
                    begun[a] = _Sync(at, b, self._names.files.get(path), path)
                case 10 | 11:
                    self._ends.append((at, begun.pop(a), op == _SYNCED))
                case 2 | 3:
                    if a in self._files:
                        self._changes.append(_Change(at, op, self._files[a], b, body))
                case _:
                    self._name(at, op, a, body, root)

    def _name(self, at: int, op: int, inode: int, body: bytes, root: str) -> None:
        paths = tuple(_relative(path, root) for path in body.decode().split("\0"))
        change = _Change(at, op, paths=paths)
        if op == _CREATE:
            self._count += 1
            self._files[inode] = change.file = self._count
        elif op == _MKDIR:
            change.file = _DIRECTORY
        else:
            change.file = self._names.files.get(paths[0], 0)
        self._names.apply(change)
        self._changes.append(change)

    def _settle(self, changes: list[_Change], at: int) -> None:
        """Say of each change before `at` if it is known to be on disk."""
        for change in changes:
            change.synced = change.doomed = False
        for ended, sync, well in self._ends:
            if ended >= at:
                break
            for change in changes:
                if change.at >= sync.before:
                    break
                if not change.synced and not change.doomed and _covers(sync, change):
                    change.synced = well
                    change.doomed = not well and not change.paths

    def _write(
        self, to: Path, names: _Names, by_file: dict[int, list[_Change]],
        chance: random.Random, kept: float,
    ) -> None:  # fmt: skip
        to.mkdir(parents=True)
        sources = {number: path for path, number in self._first.items()}
        contents: dict[int, bytes] = {}
        for path, number in sorted(names.files.items()):
            if number == _DIRECTORY or (
                number in sources and (self._base / sources[number]).is_dir()
            ):
                (to / path).mkdir(parents=True, exist_ok=True)
                continue
            if number not in contents:
                source = self._base / sources[number] if number in sources else None
                before = source.read_bytes() if source is not None else b""
                contents[number] = _content(before, by_file[number], chance, kept)
            (to / path).parent.mkdir(parents=True, exist_ok=True)
            (to / path).write_bytes(contents[number])


def _records(record: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    at = 0
    while at + _HEAD.size <= len(record):
        size, op, a, b, _ = _HEAD.unpack_from(record, at)
        at += _HEAD.size
        yield op, a, b, record[at : at + size]
        at += size


def _relative(path: str, root: str) -> str:
    """Below the folder; "" is the folder itself."""
    return path[len(root) + 1 :] if _within(path, root) else f"../{path}"


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def _covers(sync: _Sync, change: _Change) -> bool:
    if sync.scope != _OF_A_FILE:
        return True
    if not change.paths:
        return change.file == sync.file
    if change.op in (_CREATE, _LINK, _RENAME) and sync.path in change.paths:
        return True  # a file that is synced has its name
    return any(sync.path == _parent(path) for path in change.paths)


def _names_kept(
    changes: list[_Change], chance: random.Random, kept: float, *, ordered: bool
) -> Iterable[_Change]:
    """Those of the changes that the disk knows, in their order."""
    until = int(len(changes) * kept)
    wanted: set[str] = set()
    chosen: list[_Change] = []
    # From the newest to the oldest: what is kept needs what it builds on.
    for number, change in reversed(list(enumerate(changes))):
        drawn = number < until if ordered else chance.random() < kept
        if change.synced or drawn or not wanted.isdisjoint(change.paths):
            chosen.append(change)
            for path in change.paths:
                wanted |= {path, *map(str, Path(path).parents)}
    return reversed(chosen)


def _content(before: bytes, changes: list[_Change], chance: random.Random, kept: float) -> bytes:
    """A file's bytes: what is synced, and of the rest some pages, whole or torn."""
    last_synced = {
        page: change.at for change in changes if change.synced for page in _pages(change)
    }
    cut_off = _truncated_until(changes, chance, kept)
    found = bytearray(before)
    limits: dict[int, float] = {}
    for change in changes:
        if change.at > cut_off:
            break
        if change.op == _TRUNCATE:
            del found[change.offset :]
            found.extend(bytes(change.offset - len(found)))
            continue
        for page in _pages(change):
            here = change.synced or change.at < last_synced.get(page, -1)
            # Of one page the older bytes are there if the newer ones are.
            limit = limits.setdefault(page, chance.random() if 0 < kept < 1 else kept)
            if here or chance.random() < limit:
                _put(found, change, page, None if here else chance)
            else:
                limits[page] = 0.0
    return bytes(found)


def _truncated_until(changes: list[_Change], chance: random.Random, kept: float) -> float:
    """The moment after which no change of the file is known: before a cut that was not synced."""
    for change in changes:
        later = any(each.synced for each in changes if each.at > change.at)
        if change.op == _TRUNCATE and not change.synced and not later and chance.random() >= kept:
            return change.at - 1
    return float("inf")


def _pages(change: _Change) -> range:
    if change.op == _TRUNCATE:
        return range(0)
    end = change.offset + len(change.body)
    return range(change.offset // PAGE_BYTES, -(-end // PAGE_BYTES))


def _put(found: bytearray, change: _Change, page: int, torn: random.Random | None) -> None:
    first = max(page * PAGE_BYTES, change.offset)
    last = min((page + 1) * PAGE_BYTES, change.offset + len(change.body))
    if torn is not None and torn.random() < 1 / 8:  # the disk had only some sectors of it
        sectors = (last - first) // SECTOR_BYTES
        last = first + torn.randint(0, sectors) * SECTOR_BYTES if sectors else last
    if len(found) < last:
        found.extend(bytes(last - len(found)))
    found[first:last] = change.body[first - change.offset : last - change.offset]
