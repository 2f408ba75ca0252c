"""Publishing as an effect: a message is on disk with the tick that says it, or neither is."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from agent_core.actions.topics import checked_message, checked_open_topic
from agent_core.agent.base import AgentBase
from agent_core.agent.effects import Prepared
from reins.bus.bounds import Full, TopicFullError
from reins.bus.topic import Draft, keyed_id
from reins.bus.topics import Topics
from store.topics import topic_id


class Publish:
    """A message to a topic, for `StepResult.effects` of any agent: `Publish(self, topic, message)`.

    A message with a `key` is published once to its topic, whoever says it again. The tick's payload
    has the numbers below `topic:` and the topic's name. Raises: ActionError where it does not fit.
    """

    __slots__ = ("_draft", "_session", "_topics", "topic")

    def __init__(
        self, agent: AgentBase, topic: str, message: Any, *, key: str | None = None
    ) -> None:
        self._session = session = agent.session
        self.topic = checked_open_topic(topic)
        self._topics = agent.services.get(Topics)
        self._draft = Draft(
            author=session.session_id,
            message=checked_message(message),
            message_id="" if key is None else keyed_id(topic, f"key\n{key}"),
            # The same for a tick that is done again, another for each life of a session.
            origin=f"{session.session_id}\n{session.created_at}\n{session.iteration + 1}",
            agent_id=session.agent_id,
            session_id=session.session_id,
            again=key is not None,
        )

    @property
    def key(self) -> str:
        return f"conversation {topic_id(self.topic)}"

    @asynccontextmanager
    async def prepare(self) -> AsyncIterator[Prepared | None]:
        topic = self._topics.get(self.topic)
        async with topic.adding([self._draft], check=self._check_room) as added:
            yield Prepared(added.records, {topic_id(self.topic): [*added.all_numbers]})

    async def _check_room(self) -> None:
        full = await self._topics.full(self.topic, 1)
        if full is not None and not await self._topics.get(self.topic).has(self._draft):
            raise TopicFullError(full, waits=self._may_wait(full))

    def _may_wait(self, full: Full) -> bool:
        """True while the tick is put off for room; nobody waits for itself, or for ever.

        Two that read each other's topics may both be full: the one whose time is over first fails.
        """
        session = self._session
        is_own = full.slowest == f"session {session.session_id}"
        if full.when_full != "wait" or session.failures or is_own:
            return False
        waits = session.waits
        began = waits.began if waits is not None and waits.kind == "topic" else time.monotonic()
        if time.monotonic() - began >= self._topics.wait_s:
            return False
        self._topics.rooms.wake(self.topic, session.outages)
        return True
