"""Neighbouring rows of one table in memory, searched as one, and packed once they are old."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Protocol

import pyarrow as pa

from store.journal import keys
from store.journal.file import Group
from store.journal.searching import Line

FULL_BYTES = 8 << 20
_FULL_ROWS = 8_192
_BLOCK_ROWS = 64
"""Rows that are packed together: a reader unpacks them all for one of them."""
_CODEC = "zstd"


class Rows(keys.Keyed, Protocol):
    """Rows with their keys, each at its place, the rows of one key oldest first."""

    last: int
    size_bytes: int

    def frames(self, places: Sequence[int], /) -> list[tuple[bytes, int]]:
        """What must be unpacked for these rows, each with its size then; not safe to share."""
        ...

    def lines(self, places: Sequence[int], texts: Iterator[bytes], /) -> Iterator[Line]:
        """The rows at these places, which are in order; `texts` gives what was unpacked."""
        ...


class Chunk:
    """Groups as they were committed, until they are many."""

    __slots__ = ("_keys", "_starts", "groups", "last", "rows", "size_bytes")

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self._starts: list[int] = []
        self._keys: list[bytes] = []
        self.rows = 0
        self.last = 0
        self.size_bytes = 0

    @property
    def full(self) -> bool:
        return self.size_bytes >= FULL_BYTES or self.rows >= _FULL_ROWS

    def add(self, group: Group) -> None:
        if not group.ends:
            group = replace(group, ends=keys.ends(group.body.split(b"\n")))
        self._starts.append(self.rows)
        self.groups.append(group)
        self._keys.append(group.keys or keys.UNKNOWN * group.rows)
        self.rows += group.rows
        self.last = group.last
        self.size_bytes += len(group.body)

    @property
    def keys(self) -> bytes:
        if len(self._keys) > 1:
            self._keys[:] = [b"".join(self._keys)]
        return self._keys[0]

    def frames(self, _places: Sequence[int]) -> list[tuple[bytes, int]]:
        return []

    def lines(self, places: Sequence[int], _texts: Iterator[bytes]) -> Iterator[Line]:
        for place in places:
            at = bisect_right(self._starts, place) - 1
            group, own = self.groups[at], place - self._starts[at]
            ends = group.ends
            if own * keys.END < len(ends):  # what is damaged may have lost lines
                begins, size_bytes = keys.span(ends, own)
                yield group.first + own, group.body[begins : begins + size_bytes]

    def packed(self) -> "Packed":
        """The same rows in an eighth of the memory, those of one key side by side."""
        lines = list(chain.from_iterable(group.lines() for group in self.groups))
        own = self.keys
        digests = [own[at : at + keys.SIZE] for at in range(0, len(own), keys.SIZE)]
        order = sorted(range(self.rows), key=digests.__getitem__)
        return Packed(self.last, [digests[at] for at in order], [lines[at] for at in order])


class Packed:
    """Rows in blocks, compressed."""

    __slots__ = ("_frames", "_numbers", "keys", "last", "rows", "size_bytes")

    def __init__(self, last: int, digests: Sequence[bytes], lines: Sequence[Line]) -> None:
        self.last = last
        self.rows = len(lines)
        self.keys = b"".join(digests)
        self._numbers = [number for number, _ in lines]
        codec = pa.Codec(_CODEC, compression_level=1)
        self._frames: list[tuple[bytes, int]] = []
        for at in range(0, self.rows, _BLOCK_ROWS):
            text = b"\n".join([line for _, line in lines[at : at + _BLOCK_ROWS]])
            self._frames.append((codec.compress(text, asbytes=True), len(text)))
        packed_bytes = sum(len(frame) for frame, _ in self._frames)
        self.size_bytes = packed_bytes + self.rows * 2 * keys.SIZE

    def frames(self, places: Sequence[int]) -> list[tuple[bytes, int]]:
        return [self._frames[block] for block in _blocks(places)]

    def lines(self, places: Sequence[int], texts: Iterator[bytes]) -> Iterator[Line]:
        blocks = {block: next(texts).split(b"\n") for block in _blocks(places)}
        for place in places:
            yield self._numbers[place], blocks[place // _BLOCK_ROWS][place % _BLOCK_ROWS]


def _blocks(places: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(place // _BLOCK_ROWS for place in places))


def lines_of(found: Iterable[tuple[Rows, Sequence[int]]]) -> list[Line]:
    """The rows at these places, oldest first."""
    found = list(found)
    frames = [frame for rows, places in found for frame in rows.frames(places)]
    texts = iter(_unpacked(frames))
    return sorted(line for rows, places in found for line in rows.lines(places, texts))


def _unpacked(frames: Sequence[tuple[bytes, int]]) -> list[bytes]:
    if not frames:
        return []
    # All in one step: each gives Python's lock away, and waits for it again behind a busy loop.
    joined = b"".join([frame for frame, _ in frames])
    size_bytes = sum(size for _, size in frames)
    whole = pa.decompress(joined, decompressed_size=size_bytes, codec=_CODEC, asbytes=True)
    texts, at = [], 0
    for _, size in frames:
        texts.append(whole[at : at + size])
        at += size
    return texts
