"""Agents that write to boards, for tests."""

import asyncio
from typing import Any

from pydantic import BaseModel

from agent_core.agent.base import AgentConfig
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import Quiet, StepResult
from reins.blackboard.boards import Boards
from reins.blackboard.writing import WriteBoard


class AdderConfig(AgentConfig):
    board: str = "sums"
    key: str = "sum"
    most: int = 10
    how: str = "again"
    slow_s: float = 0.0
    twice: bool = False


class AdderState(BaseModel):
    added: int = 0
    ticks: int = 0


class AdderAgent(LoopingAgentBase):
    """Adds one to a counter with each tick, by compare-and-set, and completes."""

    agent_type = "adder"
    Config = AdderConfig
    State = AdderState
    begun = 0

    async def tick(self) -> StepResult | Quiet:
        type(self).begun += 1
        config, state = self.config, self.state
        found = await self.services.get(Boards).get(config.board, config.key)
        value, version = (0, 0) if found is None else (found.value, found.version)
        await asyncio.sleep(config.slow_s)
        state.added += 1

        def merged(there: Any) -> Any:
            return (there or 0) + 1

        how: Any = merged if config.how == "merge" else config.how
        effects = [
            WriteBoard(self, config.board, config.key, value + 1, expect=version, on_conflict=how)
        ]
        if config.twice:
            effects.append(WriteBoard(self, config.board, "newest", self.session.session_id))
        return StepResult(f"added {state.added}", effects=effects, done=state.added >= config.most)
