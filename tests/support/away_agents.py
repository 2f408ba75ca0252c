"""Agents that need something which may be away. A module of agent types."""

import asyncio
from typing import Any, Literal

from pydantic import BaseModel

from agent_core.agent.base import AgentConfig
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import StepResult

How = Literal[
    "there", "away", "caused", "in a finally", "grouped", "mixed", "own", "slow own", "slow away"
]


class AwayError(Exception):
    """As a model's error says it."""

    waits_for = "model"

    def __init__(self, routes: tuple[str, ...] = ("main",), retry_after_s: float | None = None):
        super().__init__("m at http://here: it answered 503. Try again later.")
        self.routes, self.retry_after_s = routes, retry_after_s


class Server:
    """What all agents of a fleet ask; `how` is how it answers."""

    def __init__(self) -> None:
        self.how: How = "there"
        self.routes = ("main",)
        self.retry_after_s: float | None = None
        self.asked = 0
        self.released = asyncio.Event()
        self.script: list[How] = []
        """How it answers first; then `how` tells."""

    async def ask(self) -> None:
        self.asked += 1
        how = self.script.pop(0) if self.script else self.how
        if how.startswith("slow "):
            await self.released.wait()
        match how.removeprefix("slow "):
            case "own":
                raise ValueError("its own fault")
            case "away":
                raise self._away()
            case "caused":
                raise RuntimeError("no answer") from self._away()
            case "in a finally":
                try:
                    raise self._away()
                except AwayError:
                    raise KeyError("lost on the way")  # noqa: B904 - as agents write it
            case "grouped":
                raise ExceptionGroup("two calls", [self._away(), self._away()])
            case "mixed":
                raise ExceptionGroup("two calls", [self._away(), ValueError("its own fault")])

    def _away(self) -> AwayError:
        return AwayError(self.routes, self.retry_after_s)


class AwayState(BaseModel):
    n: int = 0


class AwayAgent(LoopingAgentBase):
    """Counts while the server is there."""

    agent_type = "away"
    Config = AgentConfig
    State = AwayState

    async def tick(self) -> StepResult:
        server = self.services.get(Server)
        self.state.n += 1
        await server.ask()
        return StepResult(f"{self.state.n}")

    async def guide(self, guidance: Any) -> str:
        return f"heard: {guidance}"
