"""Agents whose unit of work is free: what is left is what Reins itself costs."""

from pydantic import BaseModel, ConfigDict

from agent_core.base import AgentConfig
from agent_core.looping import LoopingAgentBase
from agent_core.results import StepResult

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


class FreeAgent(LoopingAgentBase):
    """About 200 bytes of text and 500 bytes of state each tick, and no work at all."""

    agent_type = "free"
    Config = FreeConfig
    State = FreeState
    Guidance = FreeGuidance

    async def tick(self) -> StepResult:
        self.state.ticks += 1
        return StepResult(text=_TEXT)

    async def guide(self, guidance: FreeGuidance | str) -> str:
        self.state.guided = guidance if isinstance(guidance, str) else guidance.say
        return "guided"
