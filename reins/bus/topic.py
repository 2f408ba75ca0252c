"""A topic as the worker knows it: its newest messages, and who is woken by one."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import orjson

from reins.bus.backlog import Backlog, Blocks
from reins.bus.message import TopicMessage
from reins.bus.task_lock import TaskLock
from reins.threads import READS
from store import conversations, messages
from store.journal.file import Record
from store.store import Store
from store.times import now_us
from store.topics import topic_id

_HELD = 1_000
_NAMESPACE = uuid.UUID("2b0fb3c8-54b0-4f0e-9a53-8a3f1d8f6c55")


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before it has a number. `again`: its id may be there already, and it is looked for.

    Without `message_id` it gets one of its number and of `origin`, its publisher's tick.
    """

    author: str
    message: Any
    message_id: str = ""
    origin: str = ""
    agent_id: str | None = None
    session_id: str | None = None
    again: bool = False
    about: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """Messages on their way: what to commit, the number of each, in their order, and those of all
    that whoever publishes has added by now.
    """

    records: Sequence[Record]
    numbers: Sequence[int]
    all_numbers: Sequence[int]


def keyed_id(topic: str, key: str) -> str:
    """The id of a message that is published once for its key."""
    named = uuid.uuid5(_NAMESPACE, f"{topic}\n{key}")
    return f"msg_{named.hex}"


class Topic:
    """One topic. Its newest messages are held in memory, the others read back.

    `told` is called once messages are on disk.
    """

    def __init__(
        self, name: str, store: Store, blocks: Blocks, told: Callable[["Topic"], object]
    ) -> None:
        self.name = name
        self.newest = 0
        self.is_there = False
        self._store = store
        self._backlog = Backlog(topic_id(name), store, blocks)
        self._told = told
        self._lock = TaskLock()
        self._loaded = False
        self._held: list[TopicMessage] = []
        self._coming: list[TopicMessage] = []
        self._numbers: list[int] = []

    @property
    def last(self) -> int:
        """The number of the newest message, those on their way to the disk included."""
        return self.newest + len(self._coming)

    @property
    def conversation_id(self) -> str:
        return topic_id(self.name)

    async def has(self, draft: Draft) -> bool:
        """True of a message that is there already, by its id."""
        return bool(draft.again and await self._there([draft]))

    def known(self, newest: int | None) -> None:
        """Take the newest number from a look at all topics, unless it is known already; None: it is
        not among them.
        """
        if not self._loaded and not self._lock.taken:
            self.newest, self.is_there, self._loaded = newest or 0, newest is not None, True

    @asynccontextmanager
    async def adding(
        self, drafts: Sequence[Draft], *, check: Callable[[], Awaitable[None]] | None = None
    ) -> AsyncIterator[Added]:
        """The records of messages, to be committed within the context.

        Nobody else can publish meanwhile, so that the numbers hold; whoever does so may add more.
        `check` raises where they are not to be added.
        """
        async with self._lock:
            if check is not None:
                await check()
            try:
                added = await self._add(drafts)
                yield added
            except BaseException:
                self._loaded = False  # they may be on disk all the same: read before the next ones
                raise
            finally:
                if self._lock.is_outermost:
                    self._settle()

    async def _add(self, drafts: Sequence[Draft]) -> Added:
        await self._load()
        is_known = self.is_there or self._coming or not drafts
        records: list[Record] = [] if is_known else [self._own_record(drafts)]
        there = await self._there(drafts)
        numbers = []
        for draft in drafts:
            number = there.get(draft.message_id)
            if number is None:
                number = self.last + 1
                records.append(self._take(draft, number))
                if draft.again:
                    there[draft.message_id] = number
            numbers.append(number)
        self._numbers += numbers
        return Added(records, numbers, tuple(self._numbers))

    def _take(self, draft: Draft, number: int) -> Record:
        own_id = draft.message_id or keyed_id(self.name, f"{draft.origin}\n{number}")
        draft = replace(draft, message_id=own_id)
        at = now_us()
        message = TopicMessage(
            number, own_id, draft.author, draft.message, at, dict(draft.about or {})
        )
        self._coming.append(message)
        return self._record(draft, message)

    async def _there(self, drafts: Sequence[Draft]) -> dict[str, int]:
        """The numbers of those that are there already: one query for all, a start has thousands."""
        asked = {draft.message_id for draft in drafts if draft.again}
        if not asked:
            return {}
        known = (*self._coming, *self._held)
        there = {each.message_id: each.number for each in known if each.message_id in asked}
        if missing := sorted(asked - there.keys()):
            there |= await READS.call(
                messages.numbers_of, self.conversation_id, missing, store=self._store.reader
            )
        return there

    def _settle(self) -> None:
        coming, self._coming, self._numbers = self._coming, [], []
        if self._loaded and coming:
            self.is_there = True
            self.newest = coming[-1].number
            self._hold(coming)
            self._told(self)

    def _hold(self, coming: Sequence[TopicMessage]) -> None:
        self._held += coming
        if len(self._held) > 2 * _HELD:  # rarely: each time all of them are moved
            self._held = self._held[-_HELD:]

    async def load(self) -> None:
        """Read its newest number, once."""
        if not self._loaded:
            async with self._lock:
                await self._load()

    async def _load(self) -> None:
        if not self._loaded:
            await READS.call(self._read)
            self._loaded = True

    def _read(self) -> None:
        reader = self._store.reader
        row = conversations.get_conversation(self.conversation_id, store=reader)
        self.is_there = row is not None
        self.newest = messages.last_number(self.conversation_id, store=reader) if row else 0
        self._held.clear()

    # -- reading

    async def after(self, number: int, limit: int) -> Sequence[TopicMessage]:
        """The messages numbered above `number`, oldest first, `limit` at the most.

        Fewer may come though there are more: those that are read back come by the block.
        """
        if number >= self.newest or limit < 1:
            return ()
        held = self._held
        if held and held[0].number <= number + 1:
            at = number + 1 - held[0].number
            return held[at : at + limit]
        return await self._backlog.after(number, limit, self.newest)

    # -- records

    def _record(self, draft: Draft, message: TopicMessage) -> Record:
        is_text = isinstance(draft.message, str)
        about = {**message.about, **({} if is_text else {"json": True})}
        row = {
            "message_id": message.message_id,
            "conversation_id": self.conversation_id,
            "number": message.number,
            "author": draft.author,
            "agent_id": draft.agent_id,
            "session_id": draft.session_id,
            "text": draft.message if is_text else orjson.dumps(draft.message).decode(),
            "metadata": orjson.dumps(about).decode() if about else None,
            "created_at": message.at,
        }
        return Record("messages", orjson.dumps(row), self.conversation_id)

    def _own_record(self, drafts: Sequence[Draft]) -> Record:
        row = {
            "conversation_id": self.conversation_id,
            "title": None,
            "created_by": drafts[0].author,
            "created_action": None,
            "created_at": now_us(),
            "pace": None,
            "ceiling": None,
            "paused_by": None,
            "ended_by": None,
            "counted_from": 0,
            "changed_action": None,
        }
        return Record("conversations", orjson.dumps(row), self.conversation_id)
