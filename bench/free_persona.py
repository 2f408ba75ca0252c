"""Personas whose model answers at once: what is left is what a conversation itself costs."""

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from agent_core.agent.outcomes import Done, TickOutcome
from agent_core.agent.results import Quiet, StepResult
from agent_core.agent.services import Services
from agent_core.conversations.conversations import Conversations
from agents_impl.persona.agent import PersonaAgent
from reins.llm import Completion, Model

_TEXT = "A reply of the benchmark, with about as much text as one to three sentences have. " * 2


@dataclass
class Seen:
    """Acts of the personas of this process, by conversation."""

    overlaps: int = 0
    unaware: int = 0
    """Replies that came after a message which they did not take into account."""
    composing: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    tick_at: dict[str, float] = field(default_factory=dict)
    """When the first tick after `watch` was on record, by `conversation_id`."""

    def watch(self, conversation_id: str) -> None:
        self.tick_at.pop(conversation_id, None)


SEEN = Seen()


class FreeModel(Model):
    """Answers at once, after a turn of the loop for whoever would compose meanwhile."""

    def __init__(self) -> None:
        """Nothing is opened."""

    async def call(self, function: str, **arguments: object) -> Completion:  # noqa: ARG002 - as a model
        await asyncio.sleep(0)
        return Completion(_TEXT, 500, 40, 0.0, 1, "free", demonstration=True)

    stream = call


class FreePersona(PersonaAgent):
    """A persona in all but its model."""

    agent_type = "free_persona"

    def __init__(self, *, services: Services, **parts: Any) -> None:
        own = Services(services.get(Conversations))
        own._services[Model] = FreeModel()
        super().__init__(services=own, **parts)

    async def _compose(self) -> StepResult | Quiet:
        conversation_id = self.conversation.conversation_id
        SEEN.composing[conversation_id] += 1
        SEEN.overlaps += SEEN.composing[conversation_id] > 1
        try:
            return await super()._compose()
        finally:
            SEEN.composing[conversation_id] -= 1

    async def settle(self, outcome: TickOutcome) -> None:
        await super().settle(outcome)
        if not isinstance(outcome, Done):
            return
        SEEN.tick_at.setdefault(self.conversation.conversation_id, time.time())
        payload = outcome.result.payload or {}
        if payload["spoke"]:
            SEEN.unaware += (payload["context"]["last"] or 0) != payload["number"] - 1
