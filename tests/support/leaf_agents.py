"""A worker of an orchestrator that does what its goal says: a few ticks, and an end."""

from pydantic import BaseModel, ConfigDict, Field

from agent_core.agent.base import AgentConfig
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import Quiet, StepResult

END = ("done", "failed", "crash", "never")


class LeafConfig(AgentConfig):
    model_config = ConfigDict(extra="forbid")

    goal: str
    facts: list[str] = Field(default_factory=list)
    ticks: int = 2
    tokens: int = 0


class LeafState(BaseModel):
    ticked: int = 0
    result: dict[str, str] | None = None


class LeafAgent(LoopingAgentBase):
    """The first word of its goal is its end."""

    agent_type = "leaf"
    Config = LeafConfig
    State = LeafState

    async def tick(self):
        ends = self.config.goal.split()[0].rstrip(":")
        self.state.ticked += 1
        if ends == "crash":
            raise RuntimeError("it cannot")
        if ends == "never":
            return Quiet(0.02) if self.state.ticked > self.config.ticks else self._step()
        if self.state.ticked < self.config.ticks:
            return self._step()
        self.state.result = {"status": ends, "summary": f"{ends}: {self.config.goal}"}
        return StepResult(f"ends as {ends}", tokens_in=self.config.tokens, done=True)

    def _step(self):
        return StepResult(f"tick {self.state.ticked}", tokens_in=self.config.tokens, next_in_s=0.01)

    def report(self):
        return self.state.result
