"""Rooms of sockets, each socket bounded: one that is too slow is skipped and told to catch up."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, TypeVar

import socketio
from engineio.exceptions import EngineIOError
from engineio.packet import MESSAGE
from engineio.packet import Packet as Message
from socketio.packet import EVENT

_MAX_WAITING = 16
"""Packets on their way to one socket above which it is skipped: a batch each 50 ms, so about a
second."""
_MAX_PACKET = 256 * 1024
"""Characters of the largest packet that is sent; clients fetch what is larger."""
_SPACE = "/"
_BATCH = 50  # rows in one event
T = TypeVar("T")


def run_room(agent_id: str, session_id: str) -> str:
    """The room of one session, and of no other: `net/rooms.ts` of the page names it alike.

    Where the ids could be parted at more than one place, the agent's length in characters says at
    which; so its number of separators tells whether a room has one.
    """
    both = f"{agent_id}::{session_id}"
    # Also one that overlaps with the colons of an id beside it.
    plain = both.find("::") == both.rfind("::") == len(agent_id)
    return f"run::{both}" if plain else f"run::{len(agent_id)}::{both}"


class Members(socketio.Manager):  # type: ignore[misc]
    """Members of the rooms, changed by one thread at a time.

    The library leaves that to chance: a socket that enters a room while the last one leaves it
    would be in none, and looking through rooms that change raises.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()

    def pre_connect(self, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            return super().pre_connect(*args, **kwargs)

    def connect(self, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            return super().connect(*args, **kwargs)

    def is_connected(self, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            return super().is_connected(*args, **kwargs)

    def pre_disconnect(self, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            return super().pre_disconnect(*args, **kwargs)

    def basic_disconnect(self, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            return super().basic_disconnect(*args, **kwargs)

    def basic_enter_room(self, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            return super().basic_enter_room(*args, **kwargs)

    def basic_leave_room(self, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            return super().basic_leave_room(*args, **kwargs)

    def eio_sid_from_sid(self, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            return super().eio_sid_from_sid(*args, **kwargs)

    def get_rooms(self, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            return super().get_rooms(*args, **kwargs)

    def get_participants(self, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            return list(super().get_participants(*args, **kwargs))


class Rooms:
    """Rooms of a Socket.IO server and their members.

    A socket that was skipped gets a `head` for each room once it has drained, and fetches what it
    missed.
    """

    def __init__(self, server: socketio.Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._behind: dict[str, dict[str, int]] = {}

    def occupied(self, room: str) -> bool:
        """True if anybody is in the room."""
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
        message = self._message(event, data)
        too_large = len(message.data) > _MAX_PACKET
        for sid, eio_sid in self._server.manager.get_participants(_SPACE, room):
            if too_large or self._waiting(eio_sid) > _MAX_WAITING:
                self._owe(sid, room, head)
            else:
                self._send(eio_sid, message)

    def skip(self, room: str, head: int) -> None:
        """Something was not sent to the room: all in it will hear of `head`."""
        for sid, _ in self._server.manager.get_participants(_SPACE, room):
            self._owe(sid, room, head)

    def heal(self) -> None:
        """Tell the sockets that have drained what they have missed."""
        manager = self._server.manager
        for sid in list(self._behind):
            eio_sid = manager.eio_sid_from_sid(sid, _SPACE)
            if self._waiting(eio_sid):
                continue
            with self._lock:
                heads = self._behind.pop(sid, {})
            for room, head in heads.items():
                self._send(eio_sid, self._message("head", {"room": room, "head": head}))

    def forget(self, sid: str) -> None:
        with self._lock:
            self._behind.pop(sid, None)

    def _owe(self, sid: str, room: str, head: int) -> None:
        with self._lock:
            self._behind.setdefault(sid, {})[room] = head

    def _message(self, event: str, data: dict[str, Any]) -> Message:
        """Encoded once for all who get it."""
        return Message(MESSAGE, self._server.packet_class(EVENT, data=[event, data]).encode())

    def _waiting(self, eio_sid: str | None) -> int:
        """Packets that wait for the socket; 0 for one that has gone."""
        connection = self._server.eio.sockets.get(eio_sid)
        return 0 if connection is None else int(connection.queue.qsize())

    def _send(self, eio_sid: str | None, message: Message) -> None:
        connection = self._server.eio.sockets.get(eio_sid)
        if connection is not None:
            with contextlib.suppress(EngineIOError):  # it closes at this moment
                connection.send(message)


def batches(rows: list[T], size: int = _BATCH) -> Iterator[list[T]]:
    """The rows in parts that are each one event."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
