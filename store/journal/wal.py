"""SQLite's write-ahead log, looked at behind the place where SQLite ends it.

SQLite takes the first frame that does not check out for the end, and that is right after a crash:
the newest transaction may be torn. But a transaction begins only when the one before it is synced.
So a whole commit with a frame behind it that was written after it was acknowledged: if SQLite's
end lies before such a commit, the log was damaged, and acknowledged rows lie behind that place.

Old frames may lie behind the end too: of before the file was begun anew, which other salts tell,
and of a transaction that was given up, which has no commit.

Source: https://sqlite.org/fileformat2.html#walformat
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_HEADER = struct.Struct(">IIIIIIII")
_FRAME = struct.Struct(">IIIIII")
_BIG_ENDIAN_SUMS = 0x377F0683
_INDEX_FRAMES = struct.Struct("=16xI")
_MASK = 0xFFFFFFFF
_TRIES = 20

Sums = tuple[int, int]
_indices: dict[tuple[int, int], int] = {}
"""Descriptors that stay open: to close one would take SQLite's locks from this whole process."""


class _Frame(NamedTuple):
    number: int
    commits: bool
    salts: tuple[int, int]
    sums: Sums
    chains: bool
    """True if its checksum follows from the one that the frame before it carries."""


def log_of(journal: Path) -> Path:
    return journal.with_name(f"{journal.name}-wal")


class _Looked(NamedTuple):
    """The log's header, the number of its last valid frame, and what begins with that frame."""

    header: bytes
    valid: int
    first: int
    rest: bytes


def damaged_from(journal: Path, page_bytes: int) -> int | None:
    """The number of the first frame that is damaged, of the log of an open database; None if the
    log ends where it was left.
    """
    looked = _look(journal, page_bytes)
    if looked is None or len(looked.header) < _HEADER.size:
        return None
    magic, *_, salt_one, salt_two, sum_one, sum_two = _HEADER.unpack(looked.header)
    order = ">" if magic == _BIG_ENDIAN_SUMS else "<"
    known = (sum_one, sum_two) == _sums(order, (0, 0), looked.header[:-8])
    before: _Frame | None = None
    for frame in _frames(looked.rest, page_bytes, looked.first, order):
        if before is not None and before.commits and before.number > looked.valid:
            own = not known or before.salts == (salt_one, salt_two)
            if own and frame.chains and any(frame.salts):
                return looked.valid + 1
        before = frame
    return None


def _look(journal: Path, page_bytes: int) -> _Looked | None:
    """The content of the file at one moment, while others may write; None if there is none."""
    try:
        for _ in range(_TRIES):
            valid = _valid(journal)
            first = max(1, valid)
            with log_of(journal).open("rb") as file:
                header = file.read(_HEADER.size)
                file.seek(_HEADER.size + (first - 1) * (_FRAME.size + page_bytes))
                rest = file.read()
                file.seek(0)
                same = header == file.read(_HEADER.size)
            # Asked after the frames were read: what others have committed meanwhile is valid.
            now = _valid(journal)
            if same and now >= valid:
                return _Looked(header, now, first, rest)
    except (FileNotFoundError, struct.error):
        pass
    return None


def _valid(journal: Path) -> int:
    """The last frame that SQLite takes for valid, from the index that it keeps of them."""
    path = journal.with_name(f"{journal.name}-shm")
    found = path.stat()
    key = found.st_dev, found.st_ino
    for gone in [key for key, fd in _indices.items() if not os.fstat(fd).st_nlink]:
        os.close(_indices.pop(gone))  # nobody has that file any more
    if key not in _indices:
        _indices[key] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return int(_INDEX_FRAMES.unpack(os.pread(_indices[key], _INDEX_FRAMES.size, 0))[0])


def _frames(rest: bytes, page_bytes: int, number: int, order: str) -> Iterator[_Frame]:
    size = _FRAME.size + page_bytes
    before: Sums | None = None
    salts = (0, 0)
    for at in range(0, len(rest) - size + 1, size):
        _, pages, *own = _FRAME.unpack_from(rest, at)
        sums = own[2], own[3]
        # Frames of other salts are old: their sums need not be computed.
        chains = (
            before is not None
            and salts == (own[0], own[1])
            and sums == _sums(order, before, rest[at : at + 8], rest[at + _FRAME.size : at + size])
        )
        salts = own[0], own[1]
        yield _Frame(number, pages != 0, salts, sums, chains)
        before, number = sums, number + 1


def _sums(order: str, before: Sums, *parts: bytes) -> Sums:
    one, two = before
    for part in parts:
        for first, second in struct.iter_unpack(f"{order}II", part):
            one = one + first + two & _MASK
            two = two + second + one & _MASK
    return one, two
