"""Agents whose tick is one call of the model and nothing else."""

from typing import Literal

from pydantic import BaseModel

from agent_core.agent.base import AgentConfig
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import StepResult
from reins.llm import Model


class CallingState(BaseModel):
    calls: int = 0


class CallingConfig(AgentConfig):
    heartbeat_s: float | None = 0.0
    how: Literal["call", "stream"] = "call"


class CallingAgent(LoopingAgentBase):
    """Calls, or streams, as fast as it is answered."""

    agent_type = "calling"
    Config = CallingConfig
    State = CallingState

    async def tick(self) -> StepResult:
        model = self.services.get(Model)
        ask = model.stream if self.config.how == "stream" else model.call
        answer = await ask("TellAJoke", subject="cats", told=[])
        self.state.calls += 1
        return StepResult(text=answer.text)

    async def guide(self, guidance: str) -> str:
        return f"noted: {guidance}"
