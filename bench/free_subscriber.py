"""A subscriber whose unit of work is free: what is left is what a delivery costs."""

import time
from typing import ClassVar

from agent_core.agent.results import StepResult
from reins.bus.reactive import ReactiveAgentBase
from reins.bus.subscribing import Delivery, ReactiveState
from reins.bus.topic import Draft


class FreeSubscriberState(ReactiveState):
    count: int = 0


class FreeSubscriber(ReactiveAgentBase):
    """Counts, and notes how long each message took since it was published."""

    agent_type = "free_subscriber"
    State = FreeSubscriberState
    received: ClassVar[int] = 0
    waited_ms: ClassVar[list[float]] = []

    async def receive(self, message: Delivery) -> StepResult | None:
        self.state.count += 1
        FreeSubscriber.received += 1
        self.waited_ms.append((time.perf_counter() - message.message["at"]) * 1_000)
        return None


def draft() -> Draft:
    """A message that says when it was published."""
    return Draft("bench", {"at": time.perf_counter()}, origin="bench")
