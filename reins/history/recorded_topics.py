"""Topics as a session's log tells of them: the messages that each row has used, and the numbers
under which it has published.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import orjson

from agent_core.session.session import Session
from reins.bus.message import TopicMessage
from reins.bus.reactive import ReactiveAgentBase
from reins.bus.sourcing import Sources
from reins.bus.subscribing import Delivery
from reins.bus.topic import Added, Draft
from reins.history.recorded_acts import payload_of
from store import topics
from store.reading import Reader
from store.topics import PREFIX

Row = Mapping[str, Any]


class NotOnRecordError(ValueError):
    """A row tells of messages that are on no record."""


def messages_used(log: Iterable[Row], store: Reader) -> list[dict[str, Any]]:
    """The messages that the rows of a log have used, as plain JSON."""
    used: dict[str, set[int]] = {}
    for row in log:
        for topic, numbers in _used(row).items():
            used.setdefault(topic, set()).update(numbers)
    found = []
    for topic, wanted in used.items():
        for number in sorted(wanted):
            rows = topics.list_topic_messages(topic, number - 1, 1, store=store)
            found += [{**message, "topic": topic} for message in rows]
    return found


class RecordedTopics:
    """Stands for the topics in a replay: each row is given what it used then."""

    def __init__(self, messages: Iterable[Mapping[str, Any]]) -> None:
        self.dead: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.sources = Sources()
        """None: what they woke the session with is among the messages."""
        self._messages = {(row["topic"], row["number"]): _delivery(row) for row in messages}
        self._topics: dict[str, _RecordedTopic] = {}

    def begin(self, session: Session, first: Row) -> None:
        """A subscriber begins from where it began then."""
        agent = session.agent
        if isinstance(agent, ReactiveAgentBase):
            state = orjson.loads(first["state"])["agent"]
            for name in ("on", "group", "cursors"):
                if name in state:
                    setattr(agent.state, name, state[name])

    def at(self, session: Session, row: Row) -> None:
        """This row comes next. Raises: NotOnRecordError."""
        payload, agent = payload_of(row), session.agent
        self._topics = {
            name.removeprefix(PREFIX): _RecordedTopic(numbers)
            for name, numbers in payload.items()
            if name.startswith(PREFIX)
        }
        if not isinstance(agent, ReactiveAgentBase):
            return
        if orjson.loads(row["state"])["agent"].get("bad") or payload.keys() & {
            "dead_letter", "gaps",
        }:  # fmt: skip
            raise NotOnRecordError(
                f"#{row['seq']} tells of a message that failed or was dropped: what it led to is "
                "not in the recording, so the session cannot be done again"
            )
        agent.recorded = [
            self._message(topic, number)
            for topic, numbers in _used(row).items()
            for number in numbers
        ]

    def _message(self, topic: str, number: int) -> Delivery:
        found = self._messages.get((topic, number))
        if found is None:
            raise NotOnRecordError(
                f"message {number} of {topic} is not in the recording; record the session anew"
            )
        return found

    # -- as agents and effects ask it

    async def load(self) -> None:
        """All is in memory."""

    def get(self, name: str) -> "_RecordedTopic":
        return self._topics.setdefault(name, _RecordedTopic(()))


class _RecordedTopic:
    """One topic, for one row: numbers in the order in which they were given."""

    newest = 0

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = numbers
        self._given = 0

    @asynccontextmanager
    async def adding(
        self, drafts: Sequence[Draft], *, check: Callable[[], Awaitable[None]] | None = None
    ) -> AsyncIterator[Added]:
        del check  # there was room then
        before, self._given = self._given, self._given + len(drafts)
        yield Added((), self._numbers[before : self._given], self._numbers[: self._given])


def _used(row: Row) -> dict[str, list[int]]:
    used: dict[str, list[int]] = payload_of(row).get("used") or {}
    return used if row["kind"] == "tick" and isinstance(used, dict) else {}


def _delivery(row: Mapping[str, Any]) -> Delivery:
    at = row["created_at"]
    plain = {**row, "created_at": datetime.fromisoformat(at) if isinstance(at, str) else at}
    return Delivery.of(row["topic"], TopicMessage.of(plain))
