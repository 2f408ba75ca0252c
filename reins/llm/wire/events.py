"""Server-sent events out of the bytes of a stream.

**Source**: HTML Standard, 9.2.6, "Interpreting an event stream".
"""

import re
from collections.abc import Iterator

from reins.llm.wire.errors import TooLongError

MAX_EVENT_BYTES = 4 << 20
LINE = re.compile(rb"\r\n|\n|\r(?!\Z)")  # of a lone \r at the end the \n may still come


class EventReader:
    """Takes the bytes as they come; gives the data of each event that is whole."""

    __slots__ = ("_data", "_rest", "_searched", "_size_bytes")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._searched = 0
        self._data: list[bytes] = []
        self._size_bytes = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Raises: TooLongError where an event is larger than any answer."""
        if not self._rest and not self._data and chunk.endswith(b"\n\n") and b"\r" not in chunk:
            yield from self._whole(chunk)
            return
        self._rest += chunk
        at = 0
        for end in LINE.finditer(self._rest, self._searched):
            if (data := self._line(bytes(self._rest[at : end.start()]))) is not None:
                yield data
            at = end.end()
        del self._rest[:at]
        self._searched = max(0, len(self._rest) - 1)
        if len(self._rest) + self._size_bytes > MAX_EVENT_BYTES:
            raise TooLongError

    def _whole(self, chunk: bytes) -> Iterator[bytes]:
        """The data of a chunk of whole events, as most are."""
        for event in chunk.split(b"\n\n"):
            if event.startswith(b"data: ") and b"\n" not in event:
                yield event[6:]
                continue
            for line in (*event.split(b"\n"), b""):
                if (data := self._line(line)) is not None:
                    yield data

    def end(self) -> Iterator[bytes]:
        """The data of a last event that no empty line has ended."""
        for line in (bytes(self._rest).rstrip(b"\r"), b""):
            if (data := self._line(line)) is not None:
                yield data

    def _line(self, line: bytes) -> bytes | None:
        if line:
            name, _, value = line.partition(b":")
            if name in {b"data", b"error"}:  # llama.cpp has sent errors in a field of that name
                self._data.append(value.removeprefix(b" "))
                self._size_bytes += len(value)
            return None
        if not self._data:
            return None
        data, self._data, self._size_bytes = b"\n".join(self._data), [], 0
        return data
