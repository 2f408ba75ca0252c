"""Neighbouring rows of one table in memory, searched as one."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator

from store.journal import keys
from store.journal.file import Group
from store.journal.searching import Line

_FULL_BYTES = 2 << 20
_FULL_ROWS = 2_048
_GROUP_BYTES = 300
"""What a group takes beside its rows, where each has one row."""


class Chunk:
    """Groups as they were committed: objects of a kind that no collection of garbage looks at."""

    __slots__ = ("_bodies", "_ends", "_firsts", "_keys", "_starts", "last", "rows", "size_bytes")

    def __init__(self) -> None:
        self._bodies: list[bytes] = []
        self._ends: list[bytes] = []
        self._firsts: list[int] = []
        self._starts: list[int] = []
        self._keys: list[bytes] = []
        self.rows = 0
        self.last = 0
        self.size_bytes = 0

    @property
    def full(self) -> bool:
        return self.size_bytes >= _FULL_BYTES or self.rows >= _FULL_ROWS

    def add(self, group: Group) -> None:
        self._starts.append(self.rows)
        self._firsts.append(group.first)
        self._bodies.append(group.body)
        self._ends.append(group.ends or keys.ends(group.body.split(b"\n")))
        self._keys.append(group.keys or keys.UNKNOWN * group.rows)
        self.rows += group.rows
        self.last = group.last
        self.size_bytes += len(group.body) + _GROUP_BYTES

    @property
    def keys(self) -> bytes:
        """The digests of all rows."""
        if len(self._keys) > 1:
            self._keys[:] = [b"".join(self._keys)]
        return self._keys[0]

    def lines(self, places: Iterable[int]) -> Iterator[Line]:
        for place in places:
            at = bisect_right(self._starts, place) - 1
            own, ends = place - self._starts[at], self._ends[at]
            if own * keys.END < len(ends):  # what is damaged may have lost lines
                begins, size_bytes = keys.span(ends, own)
                line = self._bodies[at][begins : begins + size_bytes]
                yield self._firsts[at] + own, line


class Tail:
    """The newest rows of one table, oldest first."""

    __slots__ = ("chunks",)

    def __init__(self) -> None:
        self.chunks: deque[Chunk] = deque()

    def add(self, group: Group) -> None:
        if not self.chunks or self.chunks[-1].full:
            self.chunks.append(Chunk())
        self.chunks[-1].add(group)

    def above(self, number: int) -> list[Chunk]:
        """Those with rows above this number; the first may have others too."""
        return [chunk for chunk in self.chunks if chunk.last > number]

    def drop(self, upto: int) -> None:
        while self.chunks and self.chunks[0].last <= upto:
            self.chunks.popleft()
