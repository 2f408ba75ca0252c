"""One WebSocket connection as Engine.IO sees it: bounded, and gone at once when it ends.

What no client of ours would send ends it here, before a library takes it apart, answers it, or
writes a traceback about it.
"""

import contextlib
import socket
from collections.abc import Callable
from typing import Any

import orjson
import simple_websocket
from socketio.packet import CONNECT, DISCONNECT, EVENT, Packet
from wsproto.utilities import LocalProtocolError

from reins import redaction
from reins.web.rate_limit import Bucket

MAX_MESSAGE_BYTES = 64_000
MESSAGES_AT_ONCE = 60
MESSAGES_PER_S = 20.0
"""Events that a socket may send: more than a person does."""
_MAX_UNREAD = 2 * MESSAGES_AT_ONCE
_CLOSE, _PONG, _MESSAGE = "1", "3", "4"


class Json:
    """The JSON with which Socket.IO writes and reads its packets; what it writes holds no key."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return redaction.redactor().json(orjson.dumps(value)).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        return orjson.loads(text)


class TextPacket(Packet):  # type: ignore[misc]
    """All that is sent is JSON: looking through each batch for bytes would cost more than it."""

    uses_binary_events = False
    json = Json


class WebSocket:
    """Takes the place of the library's own wrapper: `wait`, `send` and `close` are Engine.IO's."""

    def __init__(self, handler: Callable[["WebSocket"], object], _server: object) -> None:
        self._handler = handler
        self._bucket = Bucket(burst=MESSAGES_AT_ONCE, per_s=MESSAGES_PER_S)
        self._connected = False

    def __call__(self, environ: dict[str, Any], _start_response: object) -> list[bytes]:
        """Serves the socket until it ends; there is no answer then."""
        self._connection: socket.socket = environ["werkzeug.socket"]
        try:
            self._ws = _Frames(_handshake(environ), max_message_size=MAX_MESSAGE_BYTES)
            self._handler(self)
        finally:
            self._hang_up()
        return []

    def wait(self) -> str | None:
        """The next message; None at the end, which a message that is not understood brings."""
        try:
            message = self._ws.receive()
        except simple_websocket.ConnectionClosed:
            message = None
        if isinstance(message, str) and self._bucket.take() and self._understood(message):
            return message
        # At once: its writer may wait for a client that reads nothing.
        self._hang_up()
        return None

    def send(self, message: str) -> None:
        try:
            self._ws.send(message)
        except simple_websocket.ConnectionClosed:
            raise OSError from None

    def close(self) -> None:
        with contextlib.suppress(OSError, LocalProtocolError, simple_websocket.ConnectionClosed):
            self._ws.close()
        # Its reader would wait for a client that says nothing.
        self._hang_up()

    def _hang_up(self) -> None:
        hang_up(self._connection)

    def _understood(self, message: str) -> bool:
        kind, rest = message[:1], message[1:]
        if kind != _MESSAGE:
            return kind in (_CLOSE, _PONG)
        try:
            packet = TextPacket(encoded_packet=rest)
        except (ValueError, TypeError, IndexError):
            return False
        if packet.packet_type == CONNECT:
            self._connected = bool(rest)
        elif packet.packet_type != DISCONNECT:
            return self._connected and _is_event(packet)
        return bool(rest)


def _is_event(packet: Packet) -> bool:
    """True if it is an event in the one space that there is, with a name that a client may use."""
    if packet.packet_type != EVENT or packet.namespace is not None:
        return False
    match packet.data:
        case [str(name), *_]:
            return name not in ("connect", "disconnect", "*")  # the library's own
    return False


class _Frames(simple_websocket.Server):  # type: ignore[misc]
    """Frames with a bound on what is read ahead of the handler."""

    def _handle_events(self) -> bool:
        goes_on = super()._handle_events() and len(self.input_buffer) <= _MAX_UNREAD
        if not goes_on:
            # In this order: the handler that wakes up would else go on waiting.
            self.connected = False
            self.event.set()
        return goes_on


def _handshake(environ: dict[str, Any]) -> dict[str, Any]:
    """The part of the request that the library needs, which the guard has looked at, and no more.

    No compression, which would cost memory and time for each client.
    """
    return {
        "werkzeug.socket": environ["werkzeug.socket"],
        "HTTP_HOST": "reins",
        "HTTP_UPGRADE": "websocket",
        "HTTP_CONNECTION": "Upgrade",
        "HTTP_SEC_WEBSOCKET_VERSION": "13",
        "HTTP_SEC_WEBSOCKET_KEY": environ["HTTP_SEC_WEBSOCKET_KEY"],
    }


def hang_up(connection: socket.socket) -> None:
    """End a connection, so that whoever waits to read from it or write to it goes on."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
