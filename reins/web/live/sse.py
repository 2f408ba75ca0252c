"""Rows on their way to readers that are not sockets: server-sent events."""

import contextlib
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

_STREAM_ROWS = 1_000


class Stream:
    """One session's new rows on their way to one reader that is not a socket.

    Bounded: a reader that is too slow loses the oldest rows, sees that from the gap in `seq`, and
    reads them from the log.
    """

    def __init__(self) -> None:
        self._rows: deque[dict[str, Any]] = deque(maxlen=_STREAM_ROWS)
        self._arrived = threading.Condition()

    def put(self, rows: Sequence[dict[str, Any]]) -> None:
        with self._arrived:
            self._rows.extend(rows)
            self._arrived.notify()

    def take(self, timeout_s: float) -> list[dict[str, Any]]:
        """The rows (brief `LogRow`s) that have arrived, oldest first; none after the timeout."""
        with self._arrived:
            if not self._rows:
                self._arrived.wait(timeout_s)
            rows = list(self._rows)
            self._rows.clear()
        return rows


class Streams:
    """The streams that are open, by session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_session: dict[str, list[Stream]] = {}
        self.ended = threading.Event()

    def __len__(self) -> int:
        return sum(map(len, list(self._by_session.values())))

    @contextlib.contextmanager
    def open(self, session_id: str) -> Iterator[Stream]:
        """A stream of a session's rows from now on; open it before reading what there is."""
        stream = Stream()
        with self._lock:
            self._by_session.setdefault(session_id, []).append(stream)
        try:
            yield stream
        finally:
            with self._lock:
                self._by_session[session_id].remove(stream)
                if not self._by_session[session_id]:
                    del self._by_session[session_id]

    def end(self) -> None:
        """Nothing more comes: readers see `ended` at once."""
        self.ended.set()
        with self._lock:
            streams = [stream for each in self._by_session.values() for stream in each]
        for stream in streams:
            stream.put([])

    def sessions(self) -> set[str]:
        return set(self._by_session)

    def put(self, session_id: str, rows: Sequence[dict[str, Any]]) -> None:
        with self._lock:
            streams = list(self._by_session.get(session_id, ()))
        for stream in streams:
            stream.put(rows)
