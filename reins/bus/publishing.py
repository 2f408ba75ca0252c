"""Publishing as an effect: a message is on disk with the tick that says it, or neither is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from agent_core.actions.topics import checked_message, checked_open_topic
from agent_core.agent.base import AgentBase
from agent_core.agent.effects import Prepared
from reins.bus.topic import Draft, keyed_id
from reins.bus.topics import Topics
from store.topics import topic_id


class Publish:
    """A message to a topic, for `StepResult.effects` of any agent: `Publish(self, topic, message)`.

    A message with a `key` is published once to its topic, whoever says it again. The tick's payload
    has the numbers below `topic:` and the topic's name. Raises: ActionError where it does not fit.
    """

    __slots__ = ("_draft", "_topics", "topic")

    def __init__(
        self, agent: AgentBase, topic: str, message: Any, *, key: str | None = None
    ) -> None:
        session = agent.session
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
        async with self._topics.get(self.topic).adding([self._draft]) as added:
            yield Prepared(added.records, {topic_id(self.topic): [*added.all_numbers]})
