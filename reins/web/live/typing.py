"""Typing: a model's answer while it comes, on its way to the room of its session."""

import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from reins.web.live.rooms import Rooms, run_room
from reins.web.views.rows import Row

MAX_CHARS = 64 * 1024
"""Of one attempt. What comes beyond is not shown while it is typed; its row will have it."""
_ENDINGS = ("tick", "error", "final")
"""Kinds of rows that take the place of what was typed before them."""


class Piece(Protocol):
    """A piece of an answer, as the model layer tells it."""

    @property
    def call_id(self) -> str: ...

    @property
    def attempt(self) -> int: ...

    @property
    def offset(self) -> int: ...

    @property
    def text(self) -> str: ...


class Typist(Protocol):
    """The session whose answer it is."""

    agent_id: str
    session_id: str


class _Line:
    """One attempt's text so far. The worker's loop adds to it, the feed alone moves `told`."""

    __slots__ = (
        "attempt", "began_us", "call_id", "ended", "over", "parts", "room", "seen", "session",
        "size", "told", "told_parts",
    )  # fmt: skip

    def __init__(self, session: Typist, piece: Piece, text: str) -> None:
        self.session = (session.agent_id, session.session_id)
        self.room = run_room(*self.session)
        self.call_id = piece.call_id
        self.attempt = piece.attempt
        self.began_us = time.time_ns() // 1_000
        self.parts = [text]
        self.size = len(text)
        self.told = self.told_parts = 0
        self.seen = False
        self.over = False
        self.ended = False

    def is_of(self, piece: Piece) -> bool:
        return self.call_id == piece.call_id and self.attempt == piece.attempt

    def add(self, text: str) -> None:
        text = text[: MAX_CHARS - self.size]
        self.parts.append(text)
        self.size += len(text)

    def text(self) -> str:
        return "".join(self.parts)

    def untold(self) -> tuple[int, str]:
        """Where the text that nobody was told begins, and the text; it counts as told then."""
        offset, parts = self.told, self.parts[self.told_parts :]
        text = "".join(parts)
        self.told += len(text)
        self.told_parts += len(parts)
        return offset, text


class TypingFeed:
    """Keeps the text so far of each session that is answered, and tells it in the feed's turn.

    `took` runs on the worker's loop and takes no lock: each line has one writer, and what is new
    is handed over in one step. Nobody is told, or woken, for a room that is empty.
    """

    def __init__(
        self, *, rooms: Rooms, head: Callable[[str], int], wake: Callable[[], object]
    ) -> None:
        self._rooms = rooms
        self._head = head
        self._wake = wake
        self._lines: dict[str, _Line] = {}
        self._changed: dict[str, _Line] = {}

    def took(self, session: Typist, piece: Piece | None) -> None:
        """A piece has come; None: the tick has ended, in whatever way."""
        line = self._lines.get(session.session_id)
        if piece is None:
            if line is not None:
                line.ended = True
                del self._lines[session.session_id]
                self._has_changed(line)
            return
        if line is None or not line.is_of(piece):
            line = self._begin(session, piece, "")
        elif piece.offset < line.size:  # the provider has taken something back
            line = self._begin(session, piece, line.text()[: piece.offset])
        if piece.offset == line.size:
            line.add(piece.text)
            self._has_changed(line)

    def so_far(self, session_id: str) -> dict[str, Any] | None:
        """The whole text that is being typed, for somebody who comes in the middle, or None."""
        line = self._lines.get(session_id)
        if line is None or line.over:
            return None
        line.seen = True
        return {"attempt": line.attempt, "text": line.text()}

    def take_rows(self, steps: Iterable[Row]) -> None:
        """These rows are about to be sent: what was typed before them is over."""
        for step in steps if self._lines or self._changed else ():
            if step["kind"] in _ENDINGS:
                for lines in (self._lines, self._changed):
                    line = lines.get(step["session_id"])
                    if line is not None and line.began_us <= step["created_at"]:
                        line.over = True

    def tell(self) -> None:
        """After the rows of this turn: what was typed since the last one."""
        for _ in range(len(self._changed)):
            _, line = self._changed.popitem()
            self._tell(line)

    def _begin(self, session: Typist, piece: Piece, text: str) -> _Line:
        line = self._lines[session.session_id] = _Line(session, piece, text)
        return line

    def _has_changed(self, line: _Line) -> None:
        session_id = line.session[1]
        if self._changed.get(session_id) is not line and self._rooms.occupied(line.room):
            self._changed[session_id] = line
            self._wake()

    def _tell(self, line: _Line) -> None:
        if line.over or (line.ended and not line.told and not line.seen):
            return  # its row says it, or nobody has seen anything of it
        offset, text = line.untold()
        agent_id, session_id = line.session
        event = {
            "room": line.room,
            "agent_id": agent_id,
            "session_id": session_id,
            "attempt": line.attempt,
            "offset": offset,
            "text": text,
            "ended": line.ended,
        }
        if text or line.ended:
            self._rooms.emit("typing", event, line.room, head=self._head(session_id))
