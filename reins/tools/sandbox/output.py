"""A command's output as it comes: its beginning and its end are kept, the rest is counted."""

from collections import deque

HEAD_BYTES = TAIL_BYTES = 16 << 10


class Output:
    """Takes bytes and keeps the first and the last of them."""

    def __init__(self, head_bytes: int = HEAD_BYTES, tail_bytes: int = TAIL_BYTES) -> None:
        self._head_bytes, self._tail_bytes = head_bytes, tail_bytes
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._held = 0
        self.size_bytes = 0

    def feed(self, data: bytes) -> None:
        self.size_bytes += len(data)
        room = self._head_bytes - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data:
            self._tail.append(data)
            self._held += len(data)
            while self._held - len(self._tail[0]) >= self._tail_bytes:
                self._held -= len(self._tail.popleft())

    @property
    def left_out_bytes(self) -> int:
        return self.size_bytes - len(self._head) - min(self._held, self._tail_bytes)

    def text(self) -> str:
        """The text, with a line that says how much is left out; other bytes as escapes."""
        tail = b"".join(self._tail)[-self._tail_bytes :]
        if not self.left_out_bytes:
            return (bytes(self._head) + tail).decode(errors="backslashreplace")
        # A character that the cut splits is no error of the command's.
        head = bytes(self._head).decode(errors="ignore")
        end = tail.decode(errors="ignore")
        return f"{head}\n[{self.left_out_bytes:,} bytes left out]\n{end}"
