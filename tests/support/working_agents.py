"""An agent with pieces of work between its ticks. A module of agent types."""

import asyncio
from functools import partial
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from agent_core.agent.base import AgentConfig
from agent_core.agent.results import Quiet, StepResult
from agent_core.agent.working import WorkingAgentBase
from agent_core.budgets.limits import BudgetSpentError
from agent_core.session.work import Told
from tests.support.paying_agents import Till


class PiecesConfig(AgentConfig):
    model_config = ConfigDict(extra="forbid")

    pieces: dict[str, str] = Field(description="name → seconds, or what it does")
    wide: int = 16
    fails: int = 0


class PiecesState(BaseModel):
    done: dict[str, str] = {}
    said: str = ""


class PiecesAgent(WorkingAgentBase):
    """Runs its pieces side by side, `wide` of them at the most, and ends when all have ended."""

    agent_type = "pieces"
    Config = PiecesConfig
    State = PiecesState
    begun: ClassVar[list[tuple[str, str]]] = []
    """Of all sessions of this process: names, and what had been said by then."""
    released: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.failed = 0

    def wanted(self):
        left = [name for name in self.config.pieces if name not in self.state.done]
        return {name: partial(self._piece, name) for name in left[: self.config.wide]}

    async def _piece(self, name):
        does, said = self.config.pieces[name], self.state.said
        PiecesAgent.begun.append((name, said))
        match does:
            case "never":
                await asyncio.Event().wait()
            case "stubborn":
                while True:
                    try:
                        await asyncio.Event().wait()
                    except asyncio.CancelledError:
                        await asyncio.sleep(3)
                        raise
            case "fail":
                raise RuntimeError("it cannot")
            case "exit":
                raise SystemExit(3)
            case "pay":
                await self.services.get(Till).call(50, 0.0)
            case "line":
                await self.services.get(Till).call(1, 0.0, in_line_s=30)
            case _:
                await asyncio.sleep(float(does))
        return said

    async def fold(self, ends):
        if not ends and (self.state.done or self.session.iteration):
            return Quiet(60)
        for end in ends:
            if isinstance(end.error, BudgetSpentError):
                self.work.drop(end.name)
                raise end.error
            self.state.done[end.name] = end.result if end.error is None else repr(end.error)
        if ends and self.failed < self.config.fails:
            self.failed += 1
            raise RuntimeError("it does not take it in")
        text = ", ".join(end.name for end in ends) or "begun"
        done = len(self.state.done) == len(self.config.pieces)
        return StepResult(text, {"nodes": [end.name for end in ends]}, done=done, next_in_s=60)

    @classmethod
    def told(cls, payload):
        return [Told(name) for name in payload["nodes"]]

    async def guide(self, guidance):
        before, self.state.said = self.state.said, guidance
        return f"said: {before} → {guidance}"
