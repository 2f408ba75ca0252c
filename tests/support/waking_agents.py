"""An agent that keeps what has woken it, for tests."""

from typing import ClassVar

from agent_core.agent.results import StepResult
from reins.bus.reactive import ReactiveAgentBase
from reins.bus.subscribing import Delivery, ReactiveConfig, ReactiveState


class WokenState(ReactiveState):
    got: list[dict] = []  # noqa: RUF012 - a field of Pydantic
    count: int = 0


class WokenAgent(ReactiveAgentBase):
    """Keeps the newest messages that it got."""

    agent_type = "woken"
    Config = ReactiveConfig
    State = WokenState
    keeps: ClassVar[int] = 50

    async def receive(self, message: Delivery) -> StepResult | None:
        state: WokenState = self.state
        got = message.message if isinstance(message.message, dict) else {"text": message.message}
        state.got = [*state.got, got][-self.keeps :]
        state.count += 1
        return StepResult(f"{got.get('source', message.topic)}")
