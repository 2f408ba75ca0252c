"""An agent that asks its model for an answer with a shape."""

from typing import Literal

from pydantic import BaseModel

from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import StepResult
from reins.llm import Model


class Step(BaseModel):
    action: Literal["look", "wait"]
    reason: str


class Seen(BaseModel):
    seen: list[str] = []


class Walker(LoopingAgentBase):
    """Chooses one of two actions in each tick, in view of those before."""

    agent_type = "walker"
    State = Seen

    async def tick(self) -> StepResult:
        step = await self.services.get(Model).structured(
            "ChooseAction",
            Step,
            goal="find the cat",
            actions=["look", "wait"],
            seen=self.state.seen,
        )
        self.state.seen = [*self.state.seen, step.value.action][-10:]
        return StepResult(text=f"{step.value.action}: {step.value.reason}", done=step.repaired)
