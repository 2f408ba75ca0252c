"""An agent that watches how much room a disk has: a whole type of agent in one file.

REINS_AGENT_MODULES='["agents_impl", "examples.disk_watcher"]' python app.py
python -m queue_imp create disk --type disk_watcher --config '{"path": "/", "least_gb": 20}'
python -m queue_imp interrupt disk '{"least_gb": 5}'
"""

import asyncio
import shutil

from pydantic import BaseModel, ConfigDict, Field

from agent_core.agent.base import AgentConfig
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import StepResult


class WatcherConfig(AgentConfig):
    path: str = "/"
    least_gb: float = Field(10, ge=0)


class WatcherState(BaseModel):
    least_gb: float
    low: bool = False


class WatcherGuidance(BaseModel):
    model_config = ConfigDict(extra="forbid")

    least_gb: float = Field(ge=0)


class DiskWatcher(LoopingAgentBase):
    """Each tick measures; a disk that is low is looked at ten times as often."""

    agent_type = "disk_watcher"
    Config, State, Guidance = WatcherConfig, WatcherState, WatcherGuidance
    accepts_text = False

    def first_state(self) -> WatcherState:
        return WatcherState(least_gb=self.config.least_gb)

    async def tick(self) -> StepResult:
        usage = await asyncio.to_thread(shutil.disk_usage, self.config.path)
        free_gb = round(usage.free / 1e9, 1)
        self.state.low = free_gb < self.state.least_gb
        word = "LOW" if self.state.low else "ok"
        return StepResult(
            f"{word}: {free_gb} GB free on {self.config.path}; wanted: {self.state.least_gb}",
            payload={"free_gb": free_gb, "low": self.state.low},
            next_in_s=6.0 if self.state.low else 60.0,
        )

    async def guide(self, guidance: WatcherGuidance) -> str:
        self.state.least_gb = guidance.least_gb
        return f"at least {guidance.least_gb} GB"
