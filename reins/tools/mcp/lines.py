"""Lines of a server's output, bounded: one that is too long is dropped while it comes."""

import re
from dataclasses import dataclass

LINE_BYTES = 1 << 20
"""Of one message; a server that says more at once is not listened to."""
DROPPED_BYTES = 128 << 20
"""Of one line; after them the server is ended."""
_HEAD_BYTES = 512
_ID = re.compile(rb'"id"\s*:\s*(\d{1,15})\s*[,}]')


@dataclass(frozen=True, slots=True)
class TooLong:
    """A line that was dropped; `answers` is the number of the request, where its head says so."""

    size_bytes: int
    answers: int | None


class EndlessLineError(Exception):
    """A line does not end."""


class Lines:
    """Takes pieces as they come, and gives whole lines: each byte is copied once."""

    def __init__(self, most_bytes: int = LINE_BYTES, dropped_bytes: int = DROPPED_BYTES) -> None:
        self._most = most_bytes
        self._dropped = dropped_bytes
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[bytes | TooLong]:
        """The lines that end with this piece. Raises: EndlessLineError."""
        found: list[bytes | TooLong] = []
        *ends, rest = data.split(b"\n")
        for each in ends:
            self._add(each)
            found.append(self._line())
        self._add(rest)
        if self._size > self._dropped:
            raise EndlessLineError
        return found

    def _add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= self._most:
            self._parts.append(piece)
        elif [*map(len, self._parts)] != [_HEAD_BYTES]:  # no more than its head is kept
            self._parts = [(b"".join(self._parts) + piece[:_HEAD_BYTES])[:_HEAD_BYTES]]

    def _line(self) -> bytes | TooLong:
        line, size = b"".join(self._parts), self._size
        self._parts, self._size = [], 0
        if size <= self._most:
            return line
        found = _ID.search(line[:_HEAD_BYTES])
        return TooLong(size, None if found is None else int(found[1]))
