"""The topics that there are, who subscribes to them, and publishing to one."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import structlog

from agent_core.actions.topics import matcher
from reins.bus.backlog import Blocks
from reins.bus.bounds import Bounds, Full, TopicFullError
from reins.bus.figures import TopicFigures, figures_of
from reins.bus.group import Group
from reins.bus.rooms import Rooms
from reins.bus.sourcing import Sources
from reins.bus.subscription import Subscription
from reins.bus.topic import Draft, Topic
from reins.threads import READS
from store import dead_letters, topic_bounds
from store.errors import StoreError
from store.journal.file import Record
from store.store import Store
from store.topics import newest_numbers

_logger = structlog.get_logger(__name__)
_RETRY_S = 1.0
_AT_ONCE = 500
"""Messages of one commit: each may have 64 KiB."""


@dataclass(slots=True)
class _Asked:
    """A message of an action that waits for the commit before its own, or for room."""

    draft: Draft
    number: "asyncio.Future[int]"
    since: float

    def refuse(self, full: Full) -> None:
        if not self.number.done():
            self.number.set_exception(TopicFullError(full))


class Topics:
    """All topics of a worker, by name; everything here runs on its loop.

    `load` reads which there are, once. `stop` gives up what waits to be published by actions, which
    the queue has still; a second stop does nothing.
    """

    def __init__(self, store: Store, bounds: Bounds | None = None, *, wait_s: float = 60.0) -> None:
        self.rooms = Rooms(bounds or Bounds())
        self.wait_s = wait_s
        """How long somebody who publishes waits for room."""
        self.dropped: Counter[str] = Counter()
        """Messages by topic that were dropped for subscribers too far behind, since the start."""
        self.dead: Counter[str] = Counter()
        """Dead letters by topic that wait to be given again."""
        self.sources = Sources()
        """What else wakes who subscribes; the composition root puts them here."""
        self._store = store
        self._blocks = Blocks()
        self._topics: dict[str, Topic] = {}
        self._subscriptions: list[Subscription] = []
        self._groups: dict[str, Group] = {}
        self._waiting: dict[str, list[_Asked]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._lock = asyncio.Lock()
        self._loaded = False

    async def load(self) -> None:
        """Read the topics that there are and their newest numbers, once."""
        if self._loaded:
            return
        async with self._lock:
            if not self._loaded:
                found = await READS.call(newest_numbers, store=self._store.reader)
                for name, newest in found.items():
                    self.get(name).known(newest)
                reader = self._store.reader
                self.rooms.take(await READS.call(topic_bounds.list_topic_bounds, store=reader))
                letters = await READS.call(dead_letters.list_dead_letters, store=reader)
                self.dead = Counter(row["topic"] for row in letters)
                self._loaded = True

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def get(self, name: str) -> Topic:
        """The topic, whether anything was published there or not."""
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = Topic(name, self._store, self._blocks, self._told)
            if self._loaded:  # all that there were are known, and only this worker adds to them
                topic.known(None)
            for each in self._subscriptions:
                if each.takes(name):
                    each.topics[name] = topic
        return topic

    # -- subscribing

    @contextmanager
    def subscribed(
        self,
        patterns: Sequence[str],
        mailbox: str,
        wake: Callable[[], object],
        *,
        cursors: Mapping[str, int] | None = None,
        is_paused: Callable[[], bool] = bool,
        group: Group | None = None,
    ) -> Iterator[Subscription]:
        """Call `wake` at each message of the topics that match, for as long as this lasts."""
        names: list[Callable[[str], object]] = [matcher(each).fullmatch for each in patterns]
        made = Subscription(
            f"session {mailbox[1:]}" if group is None else f"group {group.name}",
            [*names, mailbox.__eq__],
            wake,
            is_paused,
            dict(cursors or {}),
            group=group,
        )
        made.topics = {name: topic for name, topic in self._topics.items() if made.takes(name)}
        self._subscriptions.append(made)
        for name in made.topics:
            self.rooms.look_again(name)
        try:
            yield made
        finally:
            self._subscriptions.remove(made)
            self.rooms.moved(made.topics)  # who has ended holds nobody up

    async def group(self, name: str) -> Group:
        """The group of this name, with what it has done."""
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = Group(name, lambda: self._store.reader)
        await group.load()
        return group

    def matching(self, patterns: Sequence[str]) -> list[Topic]:
        """The topics that there are of these names."""
        names = [matcher(each) for each in patterns]
        return [t for name, t in self._topics.items() if any(n.fullmatch(name) for n in names)]

    def _told(self, topic: Topic) -> None:
        for each in list(self._subscriptions):
            if topic.name in each.topics:
                each.told(topic.name)

    def figures(self) -> Mapping[str, TopicFigures]:
        """The figures of topics, from any thread."""
        subscriptions = list(self._subscriptions)
        return figures_of(list(self._topics.values()), subscriptions, self.dead, self.dropped)

    # -- room

    async def full(self, name: str, count: int) -> Full | None:
        """The bound that `count` more messages of the topic would break; None: they have room."""
        await self.load()
        return await self.rooms.full_for(self.get(name), count, self._subscriptions)

    def limit(self, bounds: Bounds, *, wait_s: float) -> None:
        """Other bounds for topics that have none of their own."""
        self.wait_s = wait_s
        self.rooms.limit(bounds)

    async def set_bounds(self, row: Mapping[str, Any]) -> None:
        """Bounds of a topic, as a row of `topic_bounds`: on disk, and in force."""
        await self._store.journal.append(topic_bounds.record(row))
        self.rooms.take([row])

    def moved(self, moved: Subscription, cursors: Mapping[str, int]) -> None:
        """A subscriber's cursors are on disk."""
        moved.cursors = cursors
        if self.rooms.full:
            self.rooms.moved(moved.topics)

    # -- publishing by actions

    def publish(self, name: str, draft: Draft) -> "asyncio.Future[int]":
        """The message's number, once it is on disk; messages that come meanwhile share a commit.

        It has a TopicFullError where there is no room, at once or after a wait.
        """
        loop = asyncio.get_running_loop()
        asked = _Asked(draft, loop.create_future(), loop.time())
        waiting = self._waiting.get(name)
        if waiting is None:
            waiting = self._waiting[name] = []
            task = loop.create_task(self._publish_all(name), name=f"publish to {name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        waiting.append(asked)
        return asked.number

    async def _publish_all(self, name: str) -> None:
        try:
            while waiting := self._waiting[name]:
                fitting = await self._fitting(name, waiting[:_AT_ONCE])
                if not fitting:
                    continue
                numbers = await self._patiently(name, [each.draft for each in fitting])
                del waiting[: len(fitting)]
                for asked, number in zip(fitting, numbers, strict=True):
                    if not asked.number.done():
                        asked.number.set_result(number)
        finally:
            self._waiting.pop(name, None)

    async def _fitting(self, name: str, asked: Sequence[_Asked]) -> Sequence[_Asked]:
        """The first of them, as many as there is room for; the others wait, or are refused."""
        full = await self._patiently_full(name, len(asked))
        if full is None:
            return asked
        if full.fits:
            return asked[: full.fits]
        first, waiting = asked[0], self._waiting[name]
        if await self.get(name).has(first.draft):
            return [first]  # it was published before a restart, and asks for no room
        left_s = first.since + self.wait_s - asyncio.get_running_loop().time()
        if full.when_full == "wait" and left_s > 0:
            with suppress(TimeoutError):
                moved = self.rooms.until_moved(name).wait()
                await asyncio.wait_for(moved, min(left_s, _RETRY_S))
            return ()
        first.refuse(full)
        del waiting[0]
        return ()

    async def _patiently_full(self, name: str, count: int) -> Full | None:
        while True:
            try:
                return await self.full(name, count)
            except (StoreError, OSError) as error:
                why = str(error)[:300]
            _logger.error("publishing put off", topic=name, error=why, retry_in_s=_RETRY_S)
            await asyncio.sleep(_RETRY_S)

    async def _patiently(self, name: str, drafts: Sequence[Draft]) -> Sequence[int]:
        """Again while the store cannot; what may be on disk since is looked for."""
        while True:
            try:
                return await self.add(name, drafts)
            except (StoreError, OSError) as error:
                why = str(error)[:300]
            _logger.error("publishing put off", topic=name, error=why, retry_in_s=_RETRY_S)
            await asyncio.sleep(_RETRY_S)
            drafts = [replace(draft, again=True) for draft in drafts]

    async def add(
        self, name: str, drafts: Sequence[Draft], also: Sequence[Record] = ()
    ) -> Sequence[int]:
        """Publish, with other records in the same commit; returns the numbers."""
        async with self.get(name).adding(drafts) as added:
            if records := [*added.records, *also]:
                await self._store.journal.append(*records)
        return added.numbers
