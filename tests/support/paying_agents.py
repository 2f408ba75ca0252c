"""Agents whose ticks take something: from a till that stands for the model. A module of types."""

import asyncio
import uuid
from typing import Any, Literal

from pydantic import BaseModel

from agent_core.agent.base import AgentConfig
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import StepResult
from reins.llm import CallRecord, Delta

Tick = Literal["pay", "fail", "hang", "together", "work", "long", "done"]


class Till:
    """Calls that take what the agent says, on its session's account."""

    def __init__(self, caller: Any) -> None:
        self.caller = caller

    async def call(
        self, tokens: int, cost_usd: float, *, estimate: int | None = None, turns: int = 1,
        hang: bool = False, fail: bool = False, work_s: float = 0.0, in_line_s: float = 0.0,
    ) -> None:  # fmt: skip
        """Takes `tokens` of input and `tokens` of output in the end, unless it is cancelled."""
        if in_line_s:
            self.caller.waits()
            try:
                await asyncio.sleep(in_line_s)
            finally:
                self.caller.goes_on()
        kept = self.caller.reserve(2 * tokens if estimate is None else estimate, cost_usd)
        taken, error = (tokens, tokens, cost_usd), None
        self.caller.streamed(Delta("c", 1, 0, "so"))
        try:
            if hang:
                await asyncio.Event().wait()
            await asyncio.sleep(work_s)
            for _ in range(turns):
                await asyncio.sleep(0)
            if fail:
                error = "server"
                raise RuntimeError("the model failed")
        except asyncio.CancelledError:
            taken, error = (tokens, 0, cost_usd / 2), "cancelled"
            raise
        finally:
            self.caller.settle(kept, *taken)
            self.caller.record(call_record(*taken, error_kind=error))


def call_record(
    tokens_in: int = 1, tokens_out: int = 1, cost_usd: float = 0.0, **more: Any
) -> CallRecord:
    parts: dict[str, Any] = {
        "call_id": uuid.uuid4().hex, "function": "Pay", "route": "till", "provider": "none",
        "model": "m",
        "attempt": 1, "streamed": False, "demonstration": False,
        "queued_at": 1_700_000_000_000_000, "tokens_in": tokens_in, "tokens_out": tokens_out,
        "cost_usd": cost_usd, "request": "{}", "answer": "so",
    }  # fmt: skip
    return CallRecord(**{**parts, **more})


class PayingConfig(AgentConfig):
    tick: Tick = "pay"
    calls: int = 1
    tokens: int = 5
    estimate: int | None = None
    cost_usd: float = 0.0
    work_s: float = 0.0
    in_line_s: float = 0.0
    says: int = 0


class PayingState(BaseModel):
    paid: int = 0


class PayingAgent(LoopingAgentBase):
    """Each tick makes `calls` calls of `tokens` in and out; guidance makes one too."""

    agent_type = "paying"
    Config = PayingConfig
    State = PayingState

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hanging = asyncio.Event()
        self.tries = 0

    async def _call(self, **more: Any) -> None:
        config = self.config
        self.state.paid += 1  # undone with the tick
        await self.services.get(Till).call(
            config.tokens, config.cost_usd, estimate=config.estimate, **more
        )

    async def tick(self) -> StepResult:
        self.tries += 1
        config = self.config
        match config.tick:
            case "together":
                async with asyncio.TaskGroup() as group:
                    for _ in range(config.calls):
                        group.create_task(self._call(turns=3))
            case "work":
                await asyncio.sleep(config.work_s)
            case "long":
                await self._call(work_s=config.work_s, in_line_s=config.in_line_s)
            case _:
                for _ in range(config.calls):
                    await self._call()
        if config.tick == "fail":
            raise RuntimeError("as asked")
        if config.tick == "hang":
            self.hanging.set()
            await self._call(hang=True)
        return StepResult(
            f"paid {self.state.paid}", tokens_in=config.says, done=config.tick == "done"
        )

    async def guide(self, guidance: str) -> str:
        if guidance == "in line":
            await self._call(in_line_s=self.config.in_line_s)
        elif guidance != "free":
            await self._call()
        return guidance
