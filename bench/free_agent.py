"""Agents whose unit of work is free: what is left is what Reins itself costs."""

import zlib

from pydantic import BaseModel, ConfigDict

from agent_core.agent.base import AgentConfig
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import StepResult
from bench import work


class FreeState(BaseModel):
    """The fields of `work.state`."""

    ticks: int = 0
    guided: str = ""
    last: str = ""
    notes: str = ""


class FreeGuidance(BaseModel):
    model_config = ConfigDict(extra="forbid")

    say: str


class FreeConfig(AgentConfig):
    heartbeat_s: float | None = 0.0
    burst: int = 0
    """Ticks that are done without a wait before the heartbeat counts."""


class FreeAgent(LoopingAgentBase):
    """About 200 bytes of text and 500 bytes of state, both another at each tick."""

    agent_type = "free"
    Config = FreeConfig
    State = FreeState
    Guidance = FreeGuidance

    def first_state(self) -> FreeState:
        return FreeState(notes=work.notes(self._number))

    @property
    def _number(self) -> int:
        return zlib.crc32(self.session.session_id.encode())

    async def tick(self) -> StepResult:
        state = self.state
        state.ticks += 1
        said = work.text(state.ticks, self._number)
        state.last = said[:100]
        in_burst = state.ticks < self.config.burst
        return StepResult(text=said, next_in_s=0.0 if in_burst else None)

    async def guide(self, guidance: FreeGuidance | str) -> str:
        self.state.guided = guidance if isinstance(guidance, str) else guidance.say
        return "guided"
