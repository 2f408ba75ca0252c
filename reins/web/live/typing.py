"""Typing: a model's answer while it comes, on its way to the room of its session."""

import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from reins.web.live.rooms import Rooms, run_room
from reins.web.views.rows import Row

MAX_CHARS = 64 * 1024
"""Of one attempt. What comes beyond is not shown while it is typed; its row will have it."""
_ENDINGS = ("intent", "tick", "error", "final")
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


class StreamedText:
    """One attempt's text so far. The worker's loop adds to it, the feed alone moves `sent`."""

    __slots__ = (
        "attempt", "began_us", "call_id", "ended", "over", "parts", "room", "seen", "sent",
        "sent_parts", "session", "size",
    )  # fmt: skip

    def __init__(self, session: Typist, piece: Piece, text: str) -> None:
        self.session = (session.agent_id, session.session_id)
        self.room = run_room(*self.session)
        self.call_id = piece.call_id
        self.attempt = piece.attempt
        self.began_us = time.time_ns() // 1_000
        self.parts = [text]
        self.size = len(text)
        self.sent = self.sent_parts = 0
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

    def unsent(self) -> tuple[int, str]:
        """The offset of the text that was not sent yet, and the text; it counts as sent then."""
        offset, parts = self.sent, self.parts[self.sent_parts :]
        text = "".join(parts)
        self.sent += len(text)
        self.sent_parts += len(parts)
        return offset, text


class TypingFeed:
    """Keeps the text so far of each session that is answered, and sends it in the feed's rounds.

    `took` runs on the worker's loop and takes no lock: each text has one writer, and new parts
    are handed over in one step. Nobody is told, or woken, for a room that is empty.
    """

    def __init__(
        self, *, rooms: Rooms, head: Callable[[str], int], wake: Callable[[], object]
    ) -> None:
        self._rooms = rooms
        self._head = head
        self._wake = wake
        self._texts: dict[str, StreamedText] = {}
        self._changed: dict[str, StreamedText] = {}

    def took(self, session: Typist, piece: Piece | None) -> None:
        """A piece has come; None: the tick has ended, in whatever way."""
        streamed = self._texts.get(session.session_id)
        if piece is None:
            if streamed is not None:
                streamed.ended = True
                del self._texts[session.session_id]
                self._has_changed(streamed)
            return
        if streamed is None or not streamed.is_of(piece):
            streamed = self._begin(session, piece, "")
        elif piece.offset < streamed.size:  # the provider has taken something back
            streamed = self._begin(session, piece, streamed.text()[: piece.offset])
        if piece.offset == streamed.size:
            streamed.add(piece.text)
            self._has_changed(streamed)

    def so_far(self, session_id: str) -> dict[str, Any] | None:
        """The whole text that is being typed, for somebody who comes in the middle, or None."""
        streamed = self._texts.get(session_id)
        if streamed is None or streamed.over:
            return None
        streamed.seen = True
        return {"attempt": streamed.attempt, "text": streamed.text()}

    def take_rows(self, steps: Iterable[Row]) -> None:
        """These rows are about to be sent: what was typed before them is over."""
        for step in steps if self._texts or self._changed else ():
            if step["kind"] in _ENDINGS:
                for texts in (self._texts, self._changed):
                    streamed = texts.get(step["session_id"])
                    if streamed is not None and streamed.began_us <= step["created_at"]:
                        streamed.over = True

    def send(self) -> None:
        """Send what has come since the last round, after the rows of this one."""
        for _ in range(len(self._changed)):
            _, streamed = self._changed.popitem()
            self._send(streamed)

    def _begin(self, session: Typist, piece: Piece, text: str) -> StreamedText:
        streamed = self._texts[session.session_id] = StreamedText(session, piece, text)
        return streamed

    def _has_changed(self, streamed: StreamedText) -> None:
        session_id = streamed.session[1]
        if self._changed.get(session_id) is not streamed and self._rooms.occupied(streamed.room):
            self._changed[session_id] = streamed
            self._wake()

    def _send(self, streamed: StreamedText) -> None:
        if streamed.over or (streamed.ended and not streamed.sent and not streamed.seen):
            return  # its row says it, or nobody has seen anything of it
        offset, text = streamed.unsent()
        agent_id, session_id = streamed.session
        event = {
            "room": streamed.room,
            "agent_id": agent_id,
            "session_id": session_id,
            "attempt": streamed.attempt,
            "offset": offset,
            "text": text,
            "ended": streamed.ended,
        }
        if text or streamed.ended:
            self._rooms.emit("typing", event, streamed.room, head=self._head(session_id))
