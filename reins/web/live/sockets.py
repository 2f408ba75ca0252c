"""The Socket.IO contract: who subscribes to what, and is answered with what has been missed."""

import functools
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import flask
import structlog
from flask_socketio import SocketIO, join_room, leave_room, rooms
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent_core.actions.ids import KnownId
from agent_core.agent.guidance import problems
from reins.web.bridge import Bridge
from reins.web.live.conversations import CONVERSATIONS, conversation_room
from reins.web.live.feed import QUEUE
from reins.web.live.inbox import INBOX
from reins.web.live.rooms import Members, Rooms, run_room
from reins.web.live.steps import SESSIONS
from reins.web.live.typing import TypingFeed
from reins.web.live.websocket import MAX_MESSAGE_BYTES, Json, TextPacket, WebSocket, hang_up
from reins.web.views.conversations import (
    brief_message,
    conversation_row,
    within,
    without_person,
)
from reins.web.views.follower import ViewFollower
from reins.web.views.participants import Participants
from reins.web.views.rows import log_row, message_row
from reins.web.views.sessions import SessionIndex
from store import agent_steps, conversations, inbox, messages
from store.id_forms import is_same, stored_id

_logger = structlog.get_logger(__name__)

_PAGE = 500  # rows in the answer to a subscription
_PAGE_BYTES = 1 << 20  # of messages in it, if it is more than one
_MAX_ROOMS = 64  # of one socket

Answer = dict[str, Any]
A = TypeVar("A", bound="Ask")


class Ask(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Subscribe(Ask):
    agent_id: KnownId
    session_id: KnownId
    after_seq: int = Field(0, ge=0, le=1 << 53)


class SubscribeConversation(Ask):
    conversation_id: KnownId
    after: int = Field(0, ge=0, le=1 << 53)


class Writes(Ask):
    """A person writes in it: the next turn there waits a little."""

    conversation_id: KnownId


class Unsubscribe(Ask):
    room: str = Field(max_length=600)


def make_socketio(
    app: flask.Flask, *, ping_interval_s: float = 25.0, ping_timeout_s: float = 20.0
) -> SocketIO:
    """The server of the rooms, in front of an application."""
    quiet = logging.getLogger("reins.socketio")
    quiet.setLevel(logging.CRITICAL + 1)  # a stranger's nonsense is no line of our log
    socketio = SocketIO(
        app,
        async_mode="threading",
        async_handlers=False,  # in order, and no thread for each message
        transports=["websocket"],
        # Not a list of origins: its own check of them is off. The guard looks at them, as for acts.
        cors_allowed_origins=[],
        max_http_buffer_size=MAX_MESSAGE_BYTES,
        ping_interval=ping_interval_s,
        ping_timeout=ping_timeout_s,
        manage_session=False,
        monitor_clients=False,  # see SocketMonitor
        client_manager=Members(),
        json=Json,
        serializer=TextPacket,
        logger=quiet,
        engineio_logger=quiet,
    )
    engine = socketio.server.eio
    engine._async = {**engine._async, "websocket": WebSocket}  # noqa: SLF001 - no other way in
    return socketio


class Sockets:
    """The events that a socket may send, each answered with `ok` or a `problem`."""

    def __init__(
        self,
        *,
        bridge: Bridge,
        index: SessionIndex,
        participants: Participants,
        follower: ViewFollower,
        typing: TypingFeed,
        rooms: Rooms,
    ) -> None:
        self._bridge = bridge
        self._index = index
        self._participants = participants
        self._follower = follower
        self._typing = typing
        self._rooms = rooms

    def register(self, server: SocketIO) -> None:
        asks: dict[str, tuple[type[Ask], Callable[[Any], Answer]]] = {
            "subscribe": (Subscribe, self._subscribe),
            "subscribe_sessions": (Ask, lambda _: self._join(SESSIONS)),
            "subscribe_queue": (Ask, lambda _: self._join(QUEUE)),
            "subscribe_inbox": (Ask, lambda _: self._subscribe_inbox()),
            "subscribe_conversations": (Ask, lambda _: self._join(CONVERSATIONS)),
            "subscribe_conversation": (SubscribeConversation, self._subscribe_conversation),
            "writes": (Writes, self._writes),
            "unsubscribe": (Unsubscribe, self._unsubscribe),
        }
        for event, (model, answer) in asks.items():
            server.on_event(event, functools.partial(self._answer, model, answer))
        server.on_event("*", self._unknown)
        server.on_event("disconnect", self._gone)

    def _answer(self, model: type[A], answer: Callable[[A], Answer], *given: Any) -> Answer:
        if len(given) != 1:
            return _problem(422, "not understood", f"{len(given)} arguments; expected one object")
        try:
            return answer(model.model_validate(given[0]))
        except ValidationError as error:
            return _problem(422, "the message does not fit", problems(error))
        except Exception as error:
            # The library would swallow it, and whoever asked would wait for ever.
            _logger.exception("a socket's message failed", event=model.__name__)
            return _problem(
                503, "this failed", f"{type(error).__name__}; try again, or see the log"
            )

    def _unknown(self, event: str, *_: Any) -> Answer:
        known = (
            "subscribe, subscribe_sessions, subscribe_queue, subscribe_inbox, "
            "subscribe_conversations, subscribe_conversation, writes, unsubscribe"
        )
        return _problem(404, "no such event", f"the event is {event[:80]!r}; expected {known}")

    def _subscribe(self, ask: Subscribe) -> Answer:
        self._follower.catch_up()
        session_id = stored_id(ask.session_id, self._index.get)
        known = self._index.get(session_id)
        if known is None or not is_same(known["agent_id"], ask.agent_id):
            return _problem(
                404,
                "no such session",
                f"there is no session {ask.session_id} of agent {ask.agent_id}; "
                "see GET /api/sessions",
            )
        # The room first: what is written meanwhile is seen twice, never missed.
        answer = self._join(run_room(known["agent_id"], session_id))
        if answer["ok"]:
            store = self._bridge.store
            found = agent_steps.list_steps(session_id, ask.after_seq, _PAGE, store=store)
            answer |= {
                "head": self._index.seq(session_id),
                "rows": [log_row(row, brief=True) for row in found],
                "session": self._index.get(session_id),
                # After the room was joined: what is typed from here on comes as an event.
                "typing": self._typing.so_far(session_id),
            }
        return answer

    def _subscribe_conversation(self, ask: SubscribeConversation) -> Answer:
        store = self._bridge.store
        conversation_id = conversations.as_stored(ask.conversation_id, store=store)
        row = conversations.get_conversation(conversation_id, store=store)
        if row is None:
            return _problem(
                404,
                "no such conversation",
                f"there is no conversation {conversation_id}; see GET /api/conversations",
            )
        answer = self._join(conversation_room(conversation_id))
        if answer["ok"]:
            found = messages.list_messages(conversation_id, ask.after, _PAGE, store=store)
            newest = messages.last_messages(conversation_id, 1, store=store)
            last = brief_message(newest[0] if newest else None)
            answer |= {
                "head": 0 if last is None else last["number"],
                "rows": [message_row(each) for each in within(found, _PAGE_BYTES)],
                "participants": self._participants.shown(conversation_id),
                "conversation": conversation_row(
                    row,
                    last,
                    self._participants.present(conversation_id),
                    self._bridge.settings.pace,
                ),
                "without_person": without_person(row, last, store),
                # Last: an event that says otherwise must not come before this answer.
                "composing": self._bridge.composing(conversation_id),
            }
        return answer

    def _subscribe_inbox(self) -> Answer:
        answer = self._join(INBOX)
        if answer["ok"]:
            answer["open"] = inbox.count_open(store=self._bridge.store)
        return answer

    def _writes(self, ask: Writes) -> Answer:
        return {"ok": True, "held": self._bridge.writes(ask.conversation_id)}

    def _unsubscribe(self, ask: Unsubscribe) -> Answer:
        leave_room(ask.room)
        return {"ok": True, "room": ask.room}

    def _join(self, room: str) -> Answer:
        mine = rooms()
        if len(mine) > _MAX_ROOMS and room not in mine:
            return _problem(
                429, "too many rooms", f"a socket has {_MAX_ROOMS} at the most; unsubscribe first"
            )
        join_room(room)
        # From here on all is sent: what was written before is there to be read.
        self._follower.catch_up()
        return {"ok": True, "room": room}

    def _gone(self, *_: Any) -> None:
        self._rooms.forget(str(flask.request.sid))  # type: ignore[attr-defined]
        # One that no longer answers would keep three threads waiting for it.
        hang_up(flask.request.environ["werkzeug.socket"])


def _problem(status: int, title: str, detail: str) -> Answer:
    return {"ok": False, "problem": {"title": title, "status": status, "detail": detail}}
