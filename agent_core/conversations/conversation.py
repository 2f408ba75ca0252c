"""A conversation as the worker knows it: the newest messages, and who takes part."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import orjson

from agent_core.conversations.floor import Floor, Member
from agent_core.conversations.message import (
    ConversationEndedError,
    ConversationUnknownError,
    Message,
    NameTakenError,
    Reply,
)
from agent_core.conversations.rules import Pace, Rules, changed_by, with_change
from reins.names.looks import name_forms, told_apart
from reins.threads import READS
from store import conversations, messages, participants
from store.conversations import MAX_CEILING
from store.journal.file import Record
from store.store import Store
from store.times import now_us, to_us

_HELD = 100
_HELD_BYTES = 64 * 1024
_CREATED = ("conversation_id", "created_by", "created_action")


class Conversation:
    """One conversation, while somebody in this worker has to do with it.

    The newest messages are held in memory, the others read back. One message is written at a time;
    one member at a time composes.
    """

    def __init__(
        self,
        conversation_id: str,
        store: Store,
        changed: Callable[["Conversation"], None],
        pace: Pace = "free",
    ) -> None:
        self.conversation_id = conversation_id
        self.rules = Rules()
        self._usual_pace: Pace = pace
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

    async def create(
        self,
        title: str | None,
        created_by: str,
        created_action: str,
        first: Callable[[], Awaitable[Sequence[Record]]] | None = None,
    ) -> bool:
        """Put it on record, with its `first` messages; False if it was created by another action.

        Who asks for it meanwhile waits until it is there.
        """
        async with self._lock:
            known = await READS.call(self._row)
            if known is not None:
                return bool(known["created_action"] == created_action)
            row = {
                "conversation_id": self.conversation_id,
                "title": title,
                "created_by": created_by,
                "created_action": created_action,
                "created_at": now_us(),
                **{name: value for name, value in asdict(Rules()).items() if name != "title"},
                "changed_action": None,
            }
            await self._write_row(row, () if first is None else await first())
            return True

    async def change(self, action_id: str, **changes: Any) -> None:
        """Set rules of the room, and let all look; once for each of the newest actions.

        `counted_from` is set to the newest message where it is given as None.
        Raises: ConversationUnknownError, ConversationEndedError.
        """
        async with self._lock:
            await self._load()
            row = await READS.call(self._row)
            if row is not None and action_id not in changed_by(row):
                await self._change(row, action_id, changes)
        self.floor.look()

    async def _change(self, row: dict[str, Any], action_id: str, changes: dict[str, Any]) -> None:
        self._check_open()
        if changes.get("counted_from", 0) is None:
            changes["counted_from"] = self.newest
        rules = replace(self.rules, **changes)
        kept = {name: row[name] for name in _CREATED} | {"created_at": _us(row["created_at"])}
        self._loaded = False  # after an error it may be on disk: read before the next is done
        await self._write_row(
            kept | asdict(rules) | {"changed_action": with_change(row, action_id)}
        )
        self._loaded, self.rules = True, rules
        if rules.counted_from == self.newest:
            self.agent_turns = 0

    async def _write_row(self, row: dict[str, Any], messages: Sequence[Record] = ()) -> None:
        record = Record("conversations", orjson.dumps(row), self.conversation_id)
        await self._store.journal.append(record, *messages)

    def _check_open(self) -> None:
        if self.rules.ended_by is not None:
            raise ConversationEndedError(
                f"conversation {self.conversation_id} was ended by {self.rules.ended_by}; its "
                "transcript stays, and nothing comes to it any more"
            )

    async def post(self, message_id: str, author: str, text: str, *, again: bool = True) -> None:
        """A person speaks. Raises: ConversationUnknownError, NameTakenError.

        Once for each id; without `again` it is known that this was not done before.
        """
        async with self._lock:
            await self._load()
            if again and await READS.call(self._is_there, message_id):
                return
            self._check_open()
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
        rows = await READS.call(
            messages.list_messages,
            self.conversation_id,
            after,
            first - 1 - after,
            store=self._store.reader,
        )
        return [*map(Message.of, rows), *held]

    def held(self, after: int) -> list[Message]:
        """Those of the messages numbered above `after` that are in memory: the newest ones."""
        return [message for message in self._held if message.number > after]

    async def _load(self) -> None:
        if self._loaded:
            return
        await READS.call(self._read)
        self._loaded = True

    def _read(self) -> None:
        reader = self._store.reader
        row = self._row()
        if row is None:
            raise ConversationUnknownError(
                f"there is no conversation {self.conversation_id}; create it with "
                "conversation_create"
            )
        self.rules = Rules.of(row)
        rows = messages.last_messages(self.conversation_id, _HELD, store=reader)
        self.newest = rows[-1]["number"] if rows else 0
        self._held.clear()
        self._held_bytes = 0
        for row in rows:
            self._hold(Message.of(row))
        people = [message.number for message in self._held if message.session_id is None]
        # One who speaks has no higher ceiling than this: what is older does not matter.
        before = max(0, self.newest - MAX_CEILING)
        last = max(people, default=0) or messages.last_of_people(
            self.conversation_id, before, store=reader
        )
        self.agent_turns = max(0, self.newest - max(last, self.rules.counted_from))
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
        pace = self.rules.pace or self._usual_pace
        self.floor.turns.said(pace, by_person=message.session_id is None)
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
        """Let a session take part under a name. Raises: NameTakenError, ConversationEndedError."""
        self._check_open()
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


def _us(at: datetime | int) -> int:
    """A time as it is journalled; rows of the table have it as a datetime."""
    return at if isinstance(at, int) else to_us(at)
