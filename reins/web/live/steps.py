"""Rows of the log and changes of sessions on their way to rooms and streams."""

from collections.abc import Collection, Iterable
from typing import Any

from reins.web.live.rooms import Rooms, batches, run_room
from reins.web.live.sse import Streams
from reins.web.views.rows import Row, log_row
from reins.web.views.sessions import SessionIndex
from store import agent_steps
from store.reading import Reader

SESSIONS = "sessions"
_SESSIONS_AT_ONCE = 200
"""Sessions of the list in one event."""


class StepFeed:
    """Sends the rows of sessions to their rooms and streams, in the feed's thread."""

    def __init__(
        self, *, store: Reader, index: SessionIndex, rooms: Rooms, streams: Streams
    ) -> None:
        self._store = store
        self._index = index
        self._rooms = rooms
        self._streams = streams

    def send(self, steps: Iterable[Row]) -> None:
        """Rows of the log, oldest first: one batch for each session that somebody follows."""
        streamed = self._streams.sessions()
        by_session: dict[tuple[str, str], list[Row]] = {}
        for step in steps:
            by_session.setdefault((step["agent_id"], step["session_id"]), []).append(step)
        for (agent_id, session_id), own in by_session.items():
            occupied = self._rooms.occupied(run_room(agent_id, session_id))
            if not occupied and session_id not in streamed:
                continue
            rows = [log_row(step, brief=True) for step in own]
            self._streams.put(session_id, rows)
            if occupied:
                self._emit(agent_id, session_id, rows)

    def send_list(self, session_ids: Collection[str]) -> None:
        """Sessions that changed, to those who look at the list."""
        if self._rooms.occupied(SESSIONS):
            for batch in batches(sorted(session_ids), _SESSIONS_AT_ONCE):
                self._rooms.emit("sessions", {"changed": self._index.changes(batch)}, SESSIONS)

    def renew_streams(self) -> None:
        """Send each stream its newest row, so that its reader looks for rows that it missed."""
        for session_id in self._streams.sessions():
            self._streams.put(session_id, self._newest(session_id))

    def renew_rooms(self) -> None:
        """The same for everybody who is in the room of a session."""
        for session in self._index.listed() if len(self._rooms) else ():
            room = run_room(session["agent_id"], session["session_id"])
            self._rooms.skip(room, session["seq"])

    def _emit(self, agent_id: str, session_id: str, rows: list[dict[str, Any]]) -> None:
        room, session = run_room(agent_id, session_id), self._index.get(session_id)
        for batch in batches(rows):
            event = {
                "room": room,
                "agent_id": agent_id,
                "session_id": session_id,
                "rows": batch,
                "session": session,
            }
            self._rooms.emit("log", event, room, head=batch[-1]["seq"])

    def _newest(self, session_id: str) -> list[dict[str, Any]]:
        before = self._index.seq(session_id) - 1
        found = agent_steps.list_steps(session_id, max(0, before), 1, store=self._store)
        return [log_row(row, brief=True) for row in found]
