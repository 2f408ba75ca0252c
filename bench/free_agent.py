"""Agents whose unit of work is free: what is left is what Reins itself costs."""

from pydantic import BaseModel, ConfigDict

from agent_core.agent.base import AgentConfig
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import StepResult

_TEXT = "A tick of the benchmark, with about as much text as a short joke has: " + "ha " * 43
_FILLING = "What an agent keeps between two ticks: notes, a plan, a cursor. " * 7


class FreeState(BaseModel):
    ticks: int = 0
    guided: str = ""
    notes: str = _FILLING


class FreeGuidance(BaseModel):
    model_config = ConfigDict(extra="forbid")

    say: str


class FreeConfig(AgentConfig):
    heartbeat_s: float | None = 0.0
    burst: int = 0
    """Ticks that are done without a wait before the heartbeat counts."""


class FreeAgent(LoopingAgentBase):
    """About 200 bytes of text and 500 bytes of state each tick, and no work at all."""

    agent_type = "free"
    Config = FreeConfig
    State = FreeState
    Guidance = FreeGuidance

    async def tick(self) -> StepResult:
        self.state.ticks += 1
        in_burst = self.state.ticks < self.config.burst
        return StepResult(text=_TEXT, next_in_s=0.0 if in_burst else None)

    async def guide(self, guidance: FreeGuidance | str) -> str:
        self.state.guided = guidance if isinstance(guidance, str) else guidance.say
        return "guided"
