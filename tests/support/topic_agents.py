"""Agents that use messages of topics, for tests."""

import asyncio
from collections import deque
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from agent_core.agent.base import AgentConfig
from agent_core.agent.guidance import GuidanceRejectedError
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import Quiet, StepResult
from reins.bus.publishing import Publish
from reins.bus.reactive import ReactiveAgentBase
from reins.bus.subscribing import Delivery, ReactiveConfig, ReactiveState
from tests.support.away_agents import AwayError


class CounterConfig(ReactiveConfig):
    to: str | None = None
    once: bool = False


class CounterState(ReactiveState):
    used: list[str] = []  # noqa: RUF012 - a field of Pydantic
    total: int = 0
    kept: str = ""
    count: int = 0


class CounterAgent(ReactiveAgentBase):
    """Adds up numbers; `poison` fails always, `slow` takes long, `away` waits for something."""

    agent_type = "counter"
    Config = CounterConfig
    State = CounterState
    given: ClassVar[deque[tuple[str, str, int]]] = deque(maxlen=100_000)
    poisonous: ClassVar[bool] = True
    away: ClassVar[bool] = False
    late: ClassVar[asyncio.Event] = asyncio.Event()
    """What came late goes on once it is set."""

    async def receive(self, message: Delivery) -> StepResult | None:
        self.given.append((self.session.session_id, message.topic, message.number))
        state: CounterState = self.state
        state.count += 1
        state.used = [*state.used, f"{message.topic} {message.number}"][-30:]
        match message.message:
            case "poison" if self.poisonous:
                raise ValueError("it is poison")
            case "late" if self.config.lease_s < 1:
                await self.late.wait()
            case "slow" if self.poisonous:
                await asyncio.sleep(60)
            case "waits" if self.poisonous:
                while True:
                    await asyncio.sleep(0.01)
                    await self.safe_point()
            case {"keep": str(text)}:
                state.kept += text
            case "away" if self.away:
                raise AwayError
            case {"add": int(number)}:
                state.total += number
        if self.config.to is None:
            return None
        key = f"{message.topic} {message.number}" if self.config.once else None
        return StepResult(
            f"passed on {message.number}",
            effects=[Publish(self, self.config.to, {"from": message.number}, key=key)],
        )


class TickerConfig(AgentConfig):
    to: str = "ticks"
    many: int = 1
    most: int = 5
    key: str | None = None


class TickerState(BaseModel):
    said: int = 0


class TickerAgent(LoopingAgentBase):
    """Publishes with each tick, and completes."""

    agent_type = "ticker"
    Config = TickerConfig
    State = TickerState

    async def tick(self) -> StepResult | Quiet:
        self.state.said += 1
        config, said = self.config, self.state.said
        effects = [
            Publish(self, config.to, {"tick": said, "part": part}, key=config.key)
            for part in range(config.many)
        ]
        return StepResult(f"tick {said}", effects=effects, done=said >= config.most)


class ListenerState(BaseModel):
    words: list[str] = []
    allows: bool = False


class ListenerGuidance(BaseModel):
    model_config = ConfigDict(extra="forbid")

    word: str


class ListenerAgent(LoopingAgentBase):
    """Keeps what it is told; it knows no topics itself."""

    agent_type = "listener"
    State = ListenerState
    Guidance = ListenerGuidance

    async def tick(self) -> StepResult | Quiet:
        return Quiet()

    async def guide(self, guidance: ListenerGuidance | str) -> str:
        word = guidance if isinstance(guidance, str) else guidance.word
        if word == "allow bad":
            self.state.allows = True
            return "bad words are allowed"
        if word.startswith("bad") and not self.state.allows:
            raise GuidanceRejectedError("it is bad")
        if word == "broken":
            raise RuntimeError("it broke")
        self.state.words = [*self.state.words, word][-30:]
        return f"it was told {word}"
