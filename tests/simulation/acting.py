"""An agent whose model is a wait: it counts its ticks, keeps its guidance, fails, and speaks."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson
from pydantic import BaseModel

from agent_core.agent.base import AgentConfig
from agent_core.agent.effects import Prepared
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import StepResult
from agent_core.conversations.conversation import Conversation
from agent_core.conversations.conversations import Conversations


class ActingConfig(AgentConfig):
    speaks_in: str | None = None
    fails: float = 0.0


class ActingState(BaseModel):
    ticks: int = 0
    guided: list[str] = []
    said: int = 0


@dataclass(frozen=True)
class _Speaker:
    """A member of a conversation that says something and does not listen."""

    member_id: str

    @property
    def name(self) -> str:
        return self.member_id

    def news(self) -> None:
        """It does not listen."""

    def restart(self) -> bool:
        return False


class Said:
    """A message of an agent, committed with its tick."""

    def __init__(self, conversation: Conversation, session_id: str, message_id: str) -> None:
        self._conversation = conversation
        self._session_id = session_id
        self._message_id = message_id
        self.key = f"conversation {conversation.conversation_id}"

    @asynccontextmanager
    async def prepare(self) -> AsyncIterator[Prepared | None]:
        conversation = self._conversation
        await conversation.load()
        async with conversation.reply(
            _Speaker(self._session_id),
            self._message_id,
            message_id=self._message_id,
            seen=conversation.newest,
            agent_id=self._session_id,
            metadata="{}",
        ) as reply:
            if reply is None:
                yield None
            else:
                yield Prepared([reply.record], {"number": reply.number})


class ActingAgent(LoopingAgentBase):
    """Ticks after a wait of its model."""

    agent_type = "acting"
    Config = ActingConfig
    State = ActingState

    async def tick(self) -> StepResult:
        await asyncio.sleep(random.expovariate(4))
        await self.safe_point()
        self.state.ticks += 1  # to be undone if the tick does not come to its end
        await asyncio.sleep(random.expovariate(6))
        if random.random() < self.config.fails:
            raise RuntimeError("as drawn")
        effects = []
        if self.config.speaks_in and random.random() < 0.3:
            self.state.said += 1
            conversation = self.services.get(Conversations).get(self.config.speaks_in)
            name = f"{self.session.session_id}-{self.session.created_at}-{self.state.said}"
            effects.append(Said(conversation, self.session.session_id, name))
        payload = {"ticks": self.state.ticks, "guided": orjson.dumps(self.state.guided).decode()}
        text = f"tick {self.state.ticks}"
        return StepResult(text, payload=payload, tokens_in=10, tokens_out=5, effects=effects)

    async def guide(self, guidance: str) -> str:
        await asyncio.sleep(random.expovariate(10))
        self.state.guided.append(guidance)
        return f"guided by {guidance}"
