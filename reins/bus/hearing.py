"""Messages of topics for sessions without a `receive`: each is guidance by whoever published it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import orjson
import structlog

from agent_core.agent.base import AgentBase, AgentRejectedError
from agent_core.agent.guidance import ForChassis, GuidanceRejectedError
from agent_core.agent.listening import Listening
from agent_core.session.controls import Hear, unanswered
from agent_core.session.status import Status
from reins.bus.delivery import next_spans
from reins.bus.letters import dead_letter
from reins.bus.subscribing import MAX_TOPICS, Delivery, mailbox
from reins.bus.subscription import Subscription
from reins.bus.topics import Topics
from store.errors import StoreError
from store.journal.file import Record

_logger = structlog.get_logger(__name__)
ATTEMPTS = 3
_AGAIN_S = 1.0
"""How long a message waits before it is looked if a paused session goes on, or a disk reads."""


def listening(topics: Topics) -> Listening:
    """The service by which sessions of any type hear these topics."""

    async def begin(agent: AgentBase) -> dict[str, Any]:
        await topics.load()
        await topics.sources.check(agent.config.on)
        there = topics.matching(agent.config.on) if agent.config.since == "new" else []
        if len(there) > MAX_TOPICS:
            raise AgentRejectedError(
                f"{', '.join(agent.config.on)} are {len(there)} topics; one agent subscribes to "
                f"{MAX_TOPICS} at the most. Narrow the pattern, or use several agents"
            )
        box = topics.get(mailbox(agent.session.session_id))
        cursors = {topic.name: topic.newest for topic in (*there, box) if topic.newest}
        return {"on": [*agent.config.on], "cursors": cursors}

    @contextmanager
    def hear(agent: AgentBase) -> Iterator[None]:
        made = _Hearing(topics, agent)
        session, box = agent.session, mailbox(agent.session.session_id)
        with (
            topics.sources.running(session, agent.config),
            topics.subscribed(
                agent.config.on,
                box,
                made.news.set,
                cursors=made.cursors,
                is_paused=lambda: session.status is Status.PAUSED,
            ) as subscription,
        ):
            running = asyncio.create_task(made.run(subscription), name=f"topics of {box[1:]}")
            try:
                yield
            finally:
                running.cancel()

    return Listening(
        begin,
        hear,
        look=lambda agent: topics.sources.look(agent.session),
        closing=lambda agent: topics.sources.closing_records(agent.session),
    )


def as_guidance(agent: AgentBase, delivery: Delivery) -> dict[str, Any] | str:
    """The message in a form that the agent's type takes: its own guidance, or words.

    What is for the chassis (budgets, beliefs) is for people to say, and stays words here.
    """
    message = delivery.message
    if isinstance(message, dict | str):
        with suppress(GuidanceRejectedError):
            if not isinstance(agent.parse_guidance(message), ForChassis):
                return message
    if isinstance(message, dict) and isinstance(source := message.get("source"), str):
        rest = {name: value for name, value in message.items() if name != "source"}
        if delivery.topic.startswith("@"):  # nobody says so: it is what wakes the session
            return f"{source}: {orjson.dumps(rest).decode()}"
    shown = message if isinstance(message, str) else orjson.dumps(message).decode()
    return f"{delivery.author} says in {delivery.topic}: {shown}"


class _Hearing:
    """Gives a session its messages, one after the other, each once the one before is on disk."""

    def __init__(self, topics: Topics, agent: AgentBase) -> None:
        self.news = asyncio.Event()
        self._topics = topics
        self._agent = agent
        self._served = ""
        self._failures = 0
        self._error = ""

    @property
    def cursors(self) -> dict[str, int]:
        reading = self._agent.session.reading or {}
        cursors: dict[str, int] = reading.get("cursors", {})
        return cursors

    async def run(self, subscription: Subscription) -> None:
        session = self._agent.session
        while not session.ended:
            try:
                await self._topics.load()
                self.news.clear()
                delivery = await self._next(subscription)
                if delivery is None:
                    await self.news.wait()
                elif session.status is not Status.RUNNING:
                    await asyncio.sleep(_AGAIN_S)
                else:
                    await self._give(delivery, subscription)
            except (StoreError, OSError) as error:
                why = str(error)[:300]
                _logger.warning("reading of topics put off", error=why, **session.names)
                await asyncio.sleep(_AGAIN_S)
            except Exception:  # the boundary of a task that nobody awaits
                _logger.exception("reading of topics failed", **session.names)
                await asyncio.sleep(_AGAIN_S)

    async def _next(self, subscription: Subscription) -> Delivery | None:
        topics = subscription.topics
        for each in list(topics.values()):
            await each.load()
        spans = next_spans(
            {name: each.newest for name, each in topics.items()},
            self.cursors,
            batch=1,
            served=self._served,
        )
        for span in spans:
            for message in await self._topics.get(span.topic).after(span.after, 1):
                return Delivery.of(span.topic, message)
        return None

    async def _give(self, delivery: Delivery, subscription: Subscription) -> None:
        session, source = self._agent.session, delivery.source
        control = Hear(
            "",
            delivery.author,
            unanswered(),
            raw=as_guidance(self._agent, delivery),
            mode="steer",
            source=(source.topic, source.number),
            letter=lambda why: self._letter(delivery, why),
            vain=self._error if self._failures >= ATTEMPTS else None,
        )
        session.deliver(control)
        outcome = await control.done
        if self.cursors.get(source.topic, 0) >= source.number:
            self._served, self._failures = source.topic, 0
            self._topics.moved(subscription, dict(self.cursors))
            return
        self._failures += 1
        self._error = str(getattr(outcome, "error", ""))
        await asyncio.sleep(session.schedule.after_failure(self._failures, None))

    def _letter(self, delivery: Delivery, why: str) -> list[Record]:
        session = self._agent.session
        letter = dead_letter(
            delivery,
            agent_id=session.agent_id,
            session_id=session.session_id,
            created_at=session.created_at,
            attempts=self._failures or 1,
            error=why,
            waiting=self._topics.dead,
        )
        return letter.records()
