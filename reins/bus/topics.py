"""The topics that there are, who subscribes to them, and publishing to one."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import structlog

from agent_core.actions.topics import matcher
from reins.bus.sourcing import Sources
from reins.bus.topic import Draft, Topic
from reins.threads import READS
from store.errors import StoreError
from store.journal.file import Record
from store.store import Store
from store.topics import newest_numbers

_logger = structlog.get_logger(__name__)
_RETRY_S = 1.0
_AT_ONCE = 500
"""Messages of one commit: each may have 64 KiB."""


@dataclass(eq=False, slots=True)
class Subscription:
    """The names that one subscriber listens to, and the topics of such names that there are."""

    names: Sequence[Callable[[str], object]]
    wake: Callable[[], object]
    topics: dict[str, Topic] = field(default_factory=dict)

    def takes(self, name: str) -> bool:
        return any(matches(name) for matches in self.names)


@dataclass(slots=True)
class _Waiting:
    """Messages of actions that wait for the commit before theirs."""

    drafts: list[Draft] = field(default_factory=list)
    futures: "list[asyncio.Future[int]]" = field(default_factory=list)

    def take(self) -> "_Waiting":
        """The oldest of them, as many as one commit has."""
        taken = _Waiting(self.drafts[:_AT_ONCE], self.futures[:_AT_ONCE])
        del self.drafts[:_AT_ONCE], self.futures[:_AT_ONCE]
        return taken


class Topics:
    """All topics of a worker, by name; everything here runs on its loop.

    `load` reads which there are, once. `stop` gives up what waits to be published by actions, which
    the queue has still; a second stop does nothing.
    """

    def __init__(self, store: Store) -> None:
        self.sources = Sources()
        """What else wakes who subscribes; the composition root puts them here."""
        self._store = store
        self._topics: dict[str, Topic] = {}
        self._subscriptions: list[Subscription] = []
        self._waiting: dict[str, _Waiting] = {}
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
                self._loaded = True

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def get(self, name: str) -> Topic:
        """The topic, whether anything was published there or not."""
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = Topic(name, self._store, self._told)
            if self._loaded:  # all that there were are known, and only this worker adds to them
                topic.known(None)
            for each in self._subscriptions:
                if each.takes(name):
                    each.topics[name] = topic
        return topic

    # -- subscribing

    @contextmanager
    def subscribed(
        self, patterns: Sequence[str], mailbox: str, wake: Callable[[], object]
    ) -> Iterator[Subscription]:
        """Call `wake` at each message of the topics that match, for as long as this lasts."""
        names: list[Callable[[str], object]] = [matcher(each).fullmatch for each in patterns]
        made = Subscription([*names, mailbox.__eq__], wake)
        made.topics = {name: topic for name, topic in self._topics.items() if made.takes(name)}
        self._subscriptions.append(made)
        try:
            yield made
        finally:
            self._subscriptions.remove(made)

    def matching(self, patterns: Sequence[str]) -> list[Topic]:
        """The topics that there are of these names."""
        names = [matcher(each) for each in patterns]
        return [t for name, t in self._topics.items() if any(n.fullmatch(name) for n in names)]

    def _told(self, topic: Topic) -> None:
        for each in list(self._subscriptions):
            if topic.name in each.topics:
                each.wake()

    # -- publishing by actions

    def publish(self, name: str, draft: Draft) -> "asyncio.Future[int]":
        """The message's number, once it is on disk; messages that come meanwhile share a commit."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.get(name)
        if waiting is None:
            waiting = self._waiting[name] = _Waiting()
            task = asyncio.get_running_loop().create_task(
                self._publish_all(name), name=f"publish to {name}"
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        waiting.drafts.append(draft)
        waiting.futures.append(future)
        return future

    async def _publish_all(self, name: str) -> None:
        try:
            while (waiting := self._waiting[name]).drafts:
                taken = waiting.take()
                numbers = await self._patiently(name, taken.drafts)
                for future, number in zip(taken.futures, numbers, strict=True):
                    if not future.done():
                        future.set_result(number)
        finally:
            self._waiting.pop(name, None)

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
