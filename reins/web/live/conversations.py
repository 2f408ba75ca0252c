"""Events of conversations on their way to rooms: messages, participants, who composes."""

from collections import deque
from collections.abc import Collection, Sequence
from typing import Any

from reins.web.bridge import Bridge
from reins.web.live.rooms import Rooms, batches
from reins.web.views.conversations import brief_message, conversation_row
from reins.web.views.follower import News
from reins.web.views.participants import Participants
from reins.web.views.rows import Row, message_row
from store import conversations, messages, participants
from store.topics import is_topic

CONVERSATIONS = "conversations"
_CONVERSATION = "conversation::"
_PARTICIPANTS_AT_ONCE = 10
"""Participants in one event: each has a state and a config of some thousand characters."""


def conversation_room(conversation_id: str) -> str:
    return f"{_CONVERSATION}{conversation_id}"


class ConversationFeed:
    """Sends to the rooms of conversations, and of their list, what changes; in the feed's thread.

    Nothing is read or made for a room that is empty.
    """

    def __init__(self, *, bridge: Bridge, participants: Participants, rooms: Rooms) -> None:
        self._bridge = bridge
        self._participants = participants
        self._rooms = rooms
        self._known: dict[str, Row] = {}
        self._newest: dict[str, dict[str, Any] | None] = {}
        self._composes: deque[str] = deque()
        self._composing: dict[str, str | None] = {}

    def begin(self) -> None:
        """Forget what was known: the feed begins anew, perhaps in another folder."""
        self._known.clear()
        self._newest.clear()

    def tell(self, news: News) -> None:
        """Rows that the views have taken in: send on what concerns conversations."""
        posted = _by_conversation(news.of(messages.TABLE.name))
        created = _by_conversation(news.of(conversations.TABLE.name))
        joined = _by_conversation(news.of(participants.TABLE.name))
        for conversation_id, own in created.items():
            self._known[conversation_id] = own[-1]
            self._send_room(conversation_id)
        for conversation_id, own in posted.items():
            self._keep_newest(conversation_id, own[-1])
            self._send_messages(conversation_id, own)
        for conversation_id, sessions in news.participants.items():
            self._send_participants(conversation_id, sessions)
        if self._rooms.occupied(CONVERSATIONS):
            self._send_list(posted.keys() | created.keys() | joined.keys())

    def tell_all(self, room: str) -> None:
        """Let everybody in this room look: they may have missed something."""
        if room == CONVERSATIONS:
            self._rooms.skip(room, 0)
        elif room.startswith(_CONVERSATION):
            conversation_id = room.removeprefix(_CONVERSATION)
            self._rooms.skip(room, self._head(conversation_id))
            self.composes(conversation_id)

    def composes(self, conversation_id: str) -> None:
        """Note that another session composes there; from any thread."""
        self._composes.append(conversation_id)

    def look_who_composes(self) -> None:
        """Where that has changed. Comes before the rows are looked at: when somebody is seen to
        compose no more, the message is among them.
        """
        while self._composes:
            conversation_id = self._composes.popleft()
            if self._rooms.occupied(conversation_room(conversation_id)):
                self._composing[conversation_id] = self._bridge.composing(conversation_id)

    def tell_who_composes(self) -> None:
        while self._composing:
            conversation_id, session_id = self._composing.popitem()
            room = conversation_room(conversation_id)
            event = {"room": room, "conversation_id": conversation_id, "session_id": session_id}
            self._rooms.emit("composing", event, room, head=self._head(conversation_id))

    def _send_messages(self, conversation_id: str, posted: Sequence[Row]) -> None:
        room = conversation_room(conversation_id)
        if self._rooms.occupied(room):
            for batch in batches([message_row(message) for message in posted]):
                event = {"room": room, "conversation_id": conversation_id, "rows": batch}
                self._rooms.emit("messages", event, room, head=batch[-1]["number"])

    def _send_participants(self, conversation_id: str, sessions: Collection[str]) -> None:
        room = conversation_room(conversation_id)
        if self._rooms.occupied(room):
            for batch in batches(
                self._participants.shown(conversation_id, sessions), _PARTICIPANTS_AT_ONCE
            ):
                event = {"room": room, "conversation_id": conversation_id, "changed": batch}
                self._rooms.emit("participants", event, room, head=self._head(conversation_id))

    def _send_room(self, conversation_id: str) -> None:
        """Its rules have changed."""
        room = conversation_room(conversation_id)
        if self._rooms.occupied(room):
            event = {
                "room": room,
                "conversation_id": conversation_id,
                "rules": self._shown(conversation_id),
            }
            self._rooms.emit("rules", event, room, head=self._head(conversation_id))

    def _send_list(self, conversation_ids: Collection[str]) -> None:
        own = sorted(each for each in conversation_ids if not is_topic(each))
        shown = [row for each in own if (row := self._shown(each))]
        for batch in batches(shown):
            self._rooms.emit("conversations", {"changed": batch}, CONVERSATIONS)

    def _shown(self, conversation_id: str) -> dict[str, Any] | None:
        """In the shape of `Conversation`; None for one that nobody created."""
        if conversation_id not in self._known:
            store = self._bridge.store
            found = conversations.get_conversation(conversation_id, store=store)
            if found is None:
                return None
            self._known[conversation_id] = found
        return conversation_row(
            self._known[conversation_id],
            self._newest_of(conversation_id),
            self._participants.present(conversation_id),
            self._bridge.settings.pace,
        )

    def _head(self, conversation_id: str) -> int:
        """The number of the newest message: what those who are too slow are told."""
        newest = self._newest_of(conversation_id)
        return 0 if newest is None else int(newest["number"])

    def _newest_of(self, conversation_id: str) -> dict[str, Any] | None:
        """In the shape of `Message`, cut."""
        if conversation_id not in self._newest:
            store = self._bridge.store
            found = messages.last_messages(conversation_id, 1, store=store)
            self._newest[conversation_id] = brief_message(found[0] if found else None)
        return self._newest[conversation_id]

    def _keep_newest(self, conversation_id: str, message: Row) -> None:
        known = self._newest.get(conversation_id)
        if known is None or known["number"] < message["number"]:
            self._newest[conversation_id] = brief_message(message)


def _by_conversation(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["conversation_id"], []).append(row)
    return found
