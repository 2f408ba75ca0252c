"""Room for messages: the bounds of all topics, held against their slowest subscribers."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from agent_core.session.outages import Outages
from reins.bus.bounds import Bounds, Full
from reins.bus.subscription import Subscription
from reins.bus.topic import Topic
from store.times import now_us
from store.topics import topic_id


class _Known:
    """Until where a topic surely has room: cursors only grow, so it is looked at again then."""

    __slots__ = ("age_us", "number")

    def __init__(self, number: int = 0, age_us: int = 0) -> None:
        self.number, self.age_us = number, age_us


class Rooms:
    """Tells whether a topic has room for more; what it has found out holds until it is used up.

    A look at all subscribers costs as much as waking them, and most publishes need none.
    """

    def __init__(self, default: Bounds) -> None:
        self.default = default
        self.full: dict[str, asyncio.Event] = {}
        """Topics at which somebody was refused or waits; set once a subscriber has moved on."""
        self._rows: dict[str, Mapping[str, Any]] = {}
        self._known: dict[str, _Known] = {}
        self._waiting: dict[str, Outages] = {}

    def take(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """These bounds hold from now on."""
        for row in rows:
            self._rows[row["topic"]] = row
            self.look_again(row["topic"])
            self.moved((row["topic"],))

    def limit(self, default: Bounds) -> None:
        """Other bounds for topics that have none of their own."""
        self.default = default
        self._known.clear()
        self.moved([*self.full])

    def of(self, topic: str) -> Bounds:
        bounds = self.default.with_row(self._rows.get(topic))
        if topic.startswith("@") and bounds.when_full == "drop_oldest":
            return replace(bounds, when_full="reject")  # a mailbox has what was promised to one
        return bounds

    def row(self, topic: str) -> Mapping[str, Any] | None:
        return self._rows.get(topic)

    def look_again(self, topic: str) -> None:
        """Somebody has joined who may be behind, or a bound is another one now."""
        self._known.pop(topic, None)

    def moved(self, topics: Iterable[str]) -> None:
        """A subscriber has moved on: who waits for room tries again."""
        for name in self.full.keys() & set(topics):
            self.full.pop(name).set()
            if (outages := self._waiting.pop(name, None)) is not None:
                outages.answered(topic_id(name))

    def wake(self, topic: str, outages: Outages) -> None:
        """Tell sessions that wait for room there once a subscriber has moved on."""
        self.until_moved(topic)
        self._waiting[topic] = outages

    def until_moved(self, topic: str) -> asyncio.Event:
        """Set once one of the topic's subscribers has moved on."""
        return self.full.setdefault(topic, asyncio.Event())

    async def full_for(
        self, topic: Topic, count: int, subscribers: Iterable[Subscription]
    ) -> Full | None:
        """The bound that `count` more messages would break; None where they have room."""
        bounds = self.of(topic.name)
        if bounds.when_full == "drop_oldest":
            return None
        await topic.load()
        known, now = self._known.get(topic.name) or _Known(), now_us()
        if topic.last + count <= known.number and now < known.age_us:
            return None
        listening = [each for each in subscribers if topic.name in each.topics]
        oldest = await self._oldest(topic, listening, bounds, now)
        if oldest is not None:
            self.until_moved(topic.name)
            return oldest
        required = [each for each in listening if not each.is_paused()]
        slowest = min(required, key=lambda each: each.cursor(topic.name), default=None)
        fits = bounds.max_unread
        if slowest is not None:
            fits = slowest.cursor(topic.name) + bounds.max_unread - topic.last
        if slowest is not None and fits < count:
            self.until_moved(topic.name)
            behind = topic.newest - slowest.cursor(topic.name)
            text = (
                f"topic {topic.name} is full: {slowest.name} has not read {behind} messages, and "
                f"{bounds.max_unread} may be unread. Publish again once it has read some; see "
                f"GET /api/topics/{topic.name}/subscribers"
            )
            return Full(topic.name, bounds.when_full, max(0, fits), slowest.name, text)
        lowest = min((each.cursor(topic.name) for each in listening), default=topic.last)
        known.number = lowest + bounds.max_unread
        self._known[topic.name] = known
        known.age_us = await self._due(topic, lowest, bounds, now)
        return None

    async def _due(self, topic: Topic, lowest: int, bounds: Bounds, now: int) -> int:
        """When the oldest unread message is too old."""
        first = await topic.after(lowest, 1)
        return (first[0].at if first else now) + int(bounds.max_age_s * 1e6)

    async def _oldest(
        self, topic: Topic, listening: Iterable[Subscription], bounds: Bounds, now: int
    ) -> Full | None:
        slowest = min(listening, key=lambda each: each.cursor(topic.name), default=None)
        if slowest is None:
            return None
        first = await topic.after(slowest.cursor(topic.name), 1)
        age_s = (now - first[0].at) / 1e6 if first else 0.0
        if age_s <= bounds.max_age_s:
            return None
        text = (
            f"topic {topic.name} is full: {slowest.name} has not read a message of "
            f"{age_s:.0f} s ago, and none may be unread for more than {bounds.max_age_s:g} s. "
            f"Resume or end it; see GET /api/topics/{topic.name}/subscribers"
        )
        return Full(topic.name, bounds.when_full, 0, slowest.name, text)

    async def first_kept(self, topic: Topic, cursor: int) -> int:
        """The number after which a subscriber reads on: its cursor, or what was dropped for it."""
        bounds = self.of(topic.name)
        if bounds.when_full != "drop_oldest":
            return cursor
        kept = max(cursor, topic.newest - bounds.max_unread)
        oldest_us = now_us() - int(bounds.max_age_s * 1e6)
        low, high = kept, topic.newest  # all up to `low` are too old, none above `high` is
        first = await topic.after(low, 1)
        if not first or first[0].at >= oldest_us:
            return kept
        while low < high:
            middle = (low + high + 1) // 2
            [found] = (await topic.after(middle - 1, 1))[:1]
            if found.at < oldest_us:
                low = middle
            else:
                high = middle - 1
        return low
