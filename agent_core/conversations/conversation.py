"""Conversations as the worker knows them: the newest messages, and who takes part."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import orjson

from agent_core.conversations.floor import Floor, Member
from agent_core.conversations.ids import ConversationIds
from reins.names.looks import name_forms, told_apart
from store import conversations, messages, participants
from store.journal.file import Record
from store.store import Store
from store.times import now_us

MAX_TURNS = 1_000
"""The highest ceiling of agents' messages without a person's."""
_HELD = 100
_HELD_BYTES = 64 * 1024
_KEPT = 64  # conversations in which only people speak: not read anew for each message


class ConversationUnknownError(LookupError):
    """There is no such conversation."""


class NameTakenError(ValueError):
    """Somebody in the conversation has that name."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `session_id` is None for a person's."""

    number: int
    author: str
    session_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A member's message on its way: its record, and the number that it has."""

    record: Record
    number: int


class Conversation:
    """One conversation, while somebody in this worker has to do with it.

    The newest messages are held in memory, the others read back. One message is written at a time;
    one member at a time composes.
    """

    def __init__(
        self, conversation_id: str, store: Store, changed: Callable[["Conversation"], None]
    ) -> None:
        self.conversation_id = conversation_id
        self.newest = 0
        self.agent_turns = 0
        self.present: dict[str, str] = {}
        self.floor = Floor(lambda: changed(self))
        self._store = store
        self._lock = asyncio.Lock()
        self._loaded = False
        self._held: deque[Message] = deque()
        self._held_bytes = 0

    # -- on record

    async def load(self) -> None:
        """Read the newest of what is on record, once. Raises: ConversationUnknownError."""
        if not self._loaded:
            async with self._lock:
                await self._load()

    async def create(self, title: str | None, created_by: str, created_action: str) -> bool:
        """Put it on record; False if it was created by another action."""
        async with self._lock:
            known = await asyncio.to_thread(self._row)
            if known is not None:
                return bool(known["created_action"] == created_action)
            row = {
                "conversation_id": self.conversation_id,
                "title": title,
                "created_by": created_by,
                "created_action": created_action,
                "created_at": now_us(),
            }
            await self._store.journal.append(
                Record("conversations", orjson.dumps(row), self.conversation_id)
            )
            return True

    async def post(self, message_id: str, author: str, text: str, *, again: bool = True) -> None:
        """A person speaks. Raises: ConversationUnknownError, NameTakenError.

        Once for each id; without `again` it is known that this was not done before.
        """
        async with self._lock:
            await self._load()
            if again and await asyncio.to_thread(self._is_there, message_id):
                return
            if speaks_as := self.named_as(author):
                raise NameTakenError(
                    f"{speaks_as} is a persona of {self.conversation_id}; speak under your own name"
                )
            message = Message(self.newest + 1, author, None, text)
            async with self._writing(message):
                await self._store.journal.append(self._record(message, message_id))

    @asynccontextmanager
    async def reply(
        self, member: Member, text: str, *, message_id: str, seen: int, agent_id: str, metadata: str
    ) -> AsyncIterator[Reply | None]:
        """A member speaks: the message's record, to be committed within the context.

        Nobody else can speak meanwhile, so that its number holds. `metadata` is JSON. None, and
        nothing is to be written, if somebody spoke after message number `seen` and the reply is
        to be composed again.
        """
        async with self._lock:
            await self._load()
            if self.newest != seen and self.floor.may_restart():
                yield None
                return
            message = Message(self.newest + 1, member.name, member.member_id, text)
            async with self._writing(message):
                record = self._record(message, message_id, agent_id=agent_id, metadata=metadata)
                yield Reply(record, message.number)

    async def read(self, after: int, limit: int) -> Sequence[Message]:
        """The newest `limit` messages numbered above `after`, oldest first."""
        after = max(after, self.newest - limit)
        held = self.held(after)  # now: what is said while the others are read moves it on
        first = held[0].number if held else self.newest + 1
        if first == after + 1:
            return held
        rows = await asyncio.to_thread(
            messages.list_messages,
            self.conversation_id,
            after,
            first - 1 - after,
            store=self._store.reader,
        )
        return [*map(_message, rows), *held]

    def held(self, after: int) -> list[Message]:
        """Those of the messages numbered above `after` that are in memory: the newest ones."""
        return [message for message in self._held if message.number > after]

    async def _load(self) -> None:
        if self._loaded:
            return
        await asyncio.to_thread(self._read)
        self._loaded = True

    def _read(self) -> None:
        reader = self._store.reader
        if self._row() is None:
            raise ConversationUnknownError(
                f"there is no conversation {self.conversation_id}; create it with "
                "conversation_create"
            )
        rows = messages.last_messages(self.conversation_id, _HELD, store=reader)
        self.newest = rows[-1]["number"] if rows else 0
        self._held.clear()
        self._held_bytes = 0
        for row in rows:
            self._hold(_message(row))
        people = [message.number for message in self._held if message.session_id is None]
        # One who speaks has no higher ceiling than this: what is older does not matter.
        before = max(0, self.newest - MAX_TURNS)
        last = max(people, default=0) or messages.last_of_people(
            self.conversation_id, before, store=reader
        )
        self.agent_turns = self.newest - last
        listed = participants.list_participants(self.conversation_id, store=reader)
        self.present |= {r["session_id"]: r["name"] for r in listed if r["left_at"] is None}

    def _is_there(self, message_id: str) -> bool:
        return messages.get_message(message_id, store=self._store.reader) is not None

    def _row(self) -> dict[str, Any] | None:
        return conversations.get_conversation(self.conversation_id, store=self._store.reader)

    def _record(
        self,
        message: Message,
        message_id: str,
        *,
        agent_id: str | None = None,
        metadata: str | None = None,
    ) -> Record:
        row = {
            "message_id": message_id,
            "conversation_id": self.conversation_id,
            "number": message.number,
            "author": message.author,
            "agent_id": agent_id,
            "session_id": message.session_id,
            "text": message.text,
            "metadata": metadata,
            "created_at": now_us(),
        }
        return Record("messages", orjson.dumps(row), self.conversation_id)

    @asynccontextmanager
    async def _writing(self, message: Message) -> AsyncIterator[None]:
        """Around the commit of a message: once it is on disk, all are told of it."""
        try:
            yield
        except BaseException:
            self._loaded = False  # it may be on disk all the same: read before the next is written
            raise
        self.newest = message.number
        self.agent_turns = 0 if message.session_id is None else self.agent_turns + 1
        self._hold(message)
        self.floor.tell(message.text, message.session_id)

    def _hold(self, message: Message) -> None:
        self._held.append(message)
        self._held_bytes += len(message.text)
        if message.session_id is not None:
            self.floor.heard(message.session_id, message.number)
        while len(self._held) > _HELD or (self._held_bytes > _HELD_BYTES and len(self._held) > 1):
            self._held_bytes -= len(self._held.popleft().text)

    # -- who takes part

    def admit(self, session_id: str, name: str) -> None:
        """Let a session take part under a name. Raises: NameTakenError."""
        if (taken := self.named_as(name, but=session_id)) is not None:
            apart = told_apart(name, taken)
            same = f"{taken!r}, which looks the same as {name!a} (with {apart})"
            raise NameTakenError(
                f"conversation {self.conversation_id} has a participant named "
                f"{same if apart else repr(name)}; choose another name"
            )
        self.present[session_id] = name

    def named_as(self, name: str, *, but: str = "") -> str | None:
        """The participant's name that is the same as this; None if nobody else bears it."""
        forms = name_forms(name)
        names = (taken for other, taken in self.present.items() if other != but)
        return next((taken for taken in names if forms & name_forms(taken)), None)

    def dismiss(self, session_id: str) -> None:
        self.present.pop(session_id, None)


class Conversations:
    """The conversations that somebody in this worker has to do with, by `conversation_id`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._live: WeakValueDictionary[str, Conversation] = WeakValueDictionary()
        self._newest: deque[Conversation] = deque(maxlen=_KEPT)
        self._composing: dict[str, str] = {}
        self._listeners: list[Callable[[str], object]] = []
        self.ids = ConversationIds(store)

    def get(self, conversation_id: str) -> Conversation:
        """The conversation, whether it is on record or not: see `load`."""
        conversation_id = self.ids.stored(conversation_id)
        conversation = self._live.get(conversation_id)
        if conversation is None:
            conversation = Conversation(conversation_id, self._store, self._composer_changed)
            self._live[conversation_id] = conversation
            self._newest.append(conversation)
        return conversation

    def composing(self, conversation_id: str) -> str | None:
        """The session that composes there at the moment; from any thread."""
        return self._composing.get(conversation_id)

    def listen(self, changed: Callable[[str], object]) -> Callable[[], None]:
        """Call `changed`, on the loop, when who composes has changed; returns what ends that."""
        self._listeners.append(changed)
        return lambda: self._listeners.remove(changed)

    def _composer_changed(self, conversation: Conversation) -> None:
        if conversation.floor.composer is None:
            self._composing.pop(conversation.conversation_id, None)
        else:
            self._composing[conversation.conversation_id] = conversation.floor.composer.member_id
        for changed in list(self._listeners):
            changed(conversation.conversation_id)


def _message(row: dict[str, Any]) -> Message:
    # Written before there were sessions in this table: an agent's own session bears its name.
    session_id = row.get("session_id") or row["agent_id"]
    return Message(row["number"], row["author"], session_id, row["text"])
