"""Rooms of sockets, each socket bounded: one that is too slow is skipped and told to catch up."""

import threading
from typing import Any

import socketio

_MAX_WAITING = 16
"""Packets on their way to one socket above which it is skipped: a batch each 50 ms, so about a
second."""
_SPACE = "/"


class Rooms:
    """Who is in which room of a Socket.IO server.

    A socket that was skipped gets a `head` for each room once it has drained, and fetches what it
    missed.
    """

    def __init__(self, server: socketio.Server) -> None:
        self._server = server
        self._turn = threading.Lock()
        self._behind: dict[str, dict[str, int]] = {}

    def occupied(self, room: str) -> bool:
        """Whether anybody is in the room."""
        return bool(self._server.manager.rooms.get(_SPACE, {}).get(room))

    def names(self) -> list[str]:
        """The rooms that somebody is in, and each socket's own."""
        return [name for name in list(self._server.manager.rooms.get(_SPACE, {})) if name]

    def __len__(self) -> int:
        """Sockets that are connected."""
        return len(self._server.manager.rooms.get(_SPACE, {}).get(None, ()))

    @property
    def lagging(self) -> int:
        return len(self._behind)

    def emit(self, event: str, data: dict[str, Any], room: str, head: int = 0) -> None:
        """Send to all in the room who keep up; the others will hear of `head`."""
        skipped = [sid for sid in self._members(room) if self._waiting(sid) > _MAX_WAITING]
        with self._turn:
            for sid in skipped:
                self._behind.setdefault(sid, {})[room] = head
        self._server.emit(event, data, room=room, skip_sid=skipped)

    def heal(self) -> None:
        """Tell the sockets that have drained what they have missed."""
        with self._turn:
            drained = {sid: self._behind[sid] for sid in self._behind if not self._waiting(sid)}
            for sid in drained:
                del self._behind[sid]
        for sid, heads in drained.items():
            for room, head in heads.items():
                self._server.emit("head", {"room": room, "head": head}, to=sid)

    def forget(self, sid: str) -> None:
        with self._turn:
            self._behind.pop(sid, None)

    def _members(self, room: str) -> list[str]:
        return [sid for sid, _ in self._server.manager.get_participants(_SPACE, room)]

    def _waiting(self, sid: str) -> int:
        """Packets that wait for the socket; 0 for one that has gone."""
        eio_sid = self._server.manager.eio_sid_from_sid(sid, _SPACE)
        socket = self._server.eio.sockets.get(eio_sid)
        return 0 if socket is None else int(socket.queue.qsize())
