"""The Socket.IO contract: who subscribes to what, and is answered with what has been missed."""

import contextlib
import functools
import logging
import socket
import time
from collections.abc import Callable
from typing import Any, TypeVar

import flask
import orjson
from flask_socketio import SocketIO, disconnect, join_room, leave_room, rooms
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from socketio.packet import Packet

from agent_core.base import problems
from agent_core.payloads import Id
from store import agent_steps, messages
from web.bridge import Bridge
from web.overview import Overview
from web.pump import QUEUE, SESSIONS, Pump, conversation_room, run_room
from web.rooms import Rooms
from web.wire import log_row, message_row

MAX_MESSAGE_BYTES = 64_000
_PAGE = 500  # rows in the answer to a subscription
_MAX_ROOMS = 64  # of one socket
_PER_S = 20.0
_BURST = 60.0
"""Messages that a socket may send at once, and how many more each second: more than a person does."""

Answer = dict[str, Any]
A = TypeVar("A", bound="Ask")


class Ask(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Subscribe(Ask):
    agent_id: Id
    session_id: Id
    after_seq: int = Field(0, ge=0, le=1 << 53)


class SubscribeConversation(Ask):
    conversation_id: Id
    after: int = Field(0, ge=0, le=1 << 53)


class Unsubscribe(Ask):
    room: str = Field(max_length=600)


class _Json:
    """What Socket.IO writes and reads its packets with."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        return orjson.loads(text)


class _TextPacket(Packet):
    """All that is sent is JSON: looking through each batch for bytes would cost more than it."""

    uses_binary_events = False


def make_socketio() -> SocketIO:
    """The server of the rooms, not yet attached to an application."""
    quiet = logging.getLogger("reins.socketio")
    quiet.setLevel(logging.CRITICAL + 1)  # a stranger's nonsense is no line of our log
    return SocketIO(
        async_mode="threading",
        async_handlers=False,  # in order, and no thread for each message
        transports=["websocket"],
        max_http_buffer_size=MAX_MESSAGE_BYTES,
        manage_session=False,
        json=_Json,
        serializer=_TextPacket,
        logger=quiet,
        engineio_logger=quiet,
    )


class Sockets:
    """The events that a socket may send, each answered with `ok` or a `problem`."""

    def __init__(self, *, bridge: Bridge, overview: Overview, pump: Pump, rooms: Rooms) -> None:
        self._bridge = bridge
        self._overview = overview
        self._pump = pump
        self._rooms = rooms
        self._buckets: dict[str, _Bucket] = {}

    def register(self, server: SocketIO) -> None:
        asks: dict[str, tuple[type[Ask], Callable[[Any], Answer]]] = {
            "subscribe": (Subscribe, self._subscribe),
            "subscribe_sessions": (Ask, lambda _: self._join(SESSIONS)),
            "subscribe_queue": (Ask, lambda _: self._join(QUEUE)),
            "subscribe_conversation": (SubscribeConversation, self._subscribe_conversation),
            "unsubscribe": (Unsubscribe, self._unsubscribe),
        }
        for event, (model, answer) in asks.items():
            server.on_event(event, functools.partial(self._answer, model, answer))
        server.on_event("*", self._unknown)
        server.on_event("disconnect", self._gone)

    def _answer(self, model: type[A], answer: Callable[[A], Answer], *given: Any) -> Answer:
        if not self._allowed():
            return _problem(429, "too many messages", "the socket is closed; send fewer")
        if len(given) != 1:
            return _problem(422, "not understood", f"{len(given)} arguments; expected one object")
        try:
            return answer(model.model_validate(given[0]))
        except ValidationError as error:
            return _problem(422, "the message does not fit", problems(error))

    def _unknown(self, event: str, *_: Any) -> Answer:
        if not self._allowed():
            return _problem(429, "too many messages", "the socket is closed; send fewer")
        known = (
            "subscribe, subscribe_sessions, subscribe_queue, subscribe_conversation, unsubscribe"
        )
        return _problem(404, "no such event", f"the event is {event[:80]!r}; expected {known}")

    def _subscribe(self, ask: Subscribe) -> Answer:
        self._pump.wanted()
        known = self._overview.get(ask.session_id)
        if known is None or known["agent_id"] != ask.agent_id:
            return _problem(
                404,
                "no such session",
                f"there is no session {ask.session_id} of agent {ask.agent_id}; "
                "see GET /api/sessions",
            )
        # The room first: what is written meanwhile is seen twice, never missed.
        answer = self._join(run_room(ask.agent_id, ask.session_id))
        if answer["ok"]:
            found = agent_steps.list_steps(
                ask.session_id, ask.after_seq, _PAGE, store=self._bridge.store
            )
            self._pump.wanted()
            session = self._overview.get(ask.session_id)
            answer |= {
                "head": self._overview.seq(ask.session_id),
                "rows": [log_row(row, brief=True) for row in found],
                "session": session,
            }
        return answer

    def _subscribe_conversation(self, ask: SubscribeConversation) -> Answer:
        answer = self._join(conversation_room(ask.conversation_id))
        if answer["ok"]:
            store = self._bridge.store
            found = messages.list_messages(ask.conversation_id, ask.after, _PAGE, store=store)
            answer |= {
                "head": messages.last_number(ask.conversation_id, store=store),
                "rows": [message_row(row) for row in found],
            }
        return answer

    def _unsubscribe(self, ask: Unsubscribe) -> Answer:
        leave_room(ask.room)
        return {"ok": True, "room": ask.room}

    def _join(self, room: str) -> Answer:
        if len(rooms()) > _MAX_ROOMS and room not in rooms():
            return _problem(
                429, "too many rooms", f"a socket has {_MAX_ROOMS} at the most; unsubscribe first"
            )
        join_room(room)
        self._pump.wake()
        return {"ok": True, "room": room}

    def _allowed(self) -> bool:
        """Whether the socket may say more; one that floods is closed."""
        sid = _sid()
        bucket = self._buckets.get(sid) or self._buckets.setdefault(sid, _Bucket())
        if bucket.take():
            return True
        disconnect()
        return False

    def _gone(self, *_: Any) -> None:
        sid = _sid()
        self._buckets.pop(sid, None)
        self._rooms.forget(sid)
        connection = flask.request.environ.get("werkzeug.socket")
        if connection is not None:
            # One that no longer answers would keep three threads waiting for it.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Bucket:
    def __init__(self) -> None:
        self._tokens = _BURST
        self._at = time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._tokens = min(_BURST, self._tokens + (now - self._at) * _PER_S)
        self._at = now
        self._tokens -= 1.0
        return self._tokens >= 0.0


def _sid() -> str:
    return str(flask.request.sid)  # type: ignore[attr-defined]


def _problem(status: int, title: str, detail: str) -> Answer:
    return {"ok": False, "problem": {"title": title, "status": status, "detail": detail}}
