"""Agents that do what a test asks for, the bad things too. A module of agent types."""

import asyncio
import sys
import time
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from agent_core.agent.base import AgentConfig
from agent_core.agent.guidance import GuidanceRejectedError
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import StepResult

Tick = Literal[
    "count", "slow", "slow_once", "fail", "fail_once", "exit", "cancelled", "stubborn", "huge",
    "block", "parts", "done", "none", "bad_payload", "bad_tokens", "bad_text", "later",
]  # fmt: skip
Guide = Literal["take", "hang", "stubborn", "exit", "cancelled", "fail", "number", "slow"]


class RetryLaterError(RuntimeError):
    retry_after_s = 0.4


class OddConfig(AgentConfig):
    subject: str = "cats"
    tick: Tick = "count"
    guide: Guide = "take"
    tick_s: float = 0.0
    parts: int = 3
    after: int = 0


class OddState(BaseModel):
    n: int = 0
    subject: str = "cats"
    blob: str = ""


class OddGuidance(BaseModel):
    model_config = ConfigDict(extra="forbid")
    subject: str


class OddAgent(LoopingAgentBase):
    """Ticks as `config.tick` says once it has ticked `config.after` times; counts until then."""

    agent_type = "odd"
    Config = OddConfig
    State = OddState
    Guidance = OddGuidance
    released = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ticking = asyncio.Event()
        self.guiding = asyncio.Event()
        self.tries = 0

    def first_state(self) -> OddState:
        return OddState(subject=self.config.subject)

    async def tick(self) -> StepResult:
        self.tries += 1
        self.ticking.set()
        kind = "count" if self.state.n < self.config.after else self.config.tick
        return await getattr(self, f"_{kind}")()

    def _said(self, **more: Any) -> StepResult:
        self.state.n += 1
        return StepResult(f"{self.state.n} about {self.state.subject}", **more)

    async def _count(self) -> StepResult:
        return self._said(payload={"n": self.state.n + 1})

    async def _later(self) -> StepResult:
        return self._said(next_in_s=self.config.tick_s)

    async def _slow(self) -> StepResult:
        await asyncio.sleep(self.config.tick_s)
        return self._said()

    async def _slow_once(self) -> StepResult:
        if self.tries == self.config.after + 1:
            await asyncio.sleep(self.config.tick_s)
        return self._said()

    async def _fail(self) -> StepResult:
        self.state.n += 100  # must not last
        raise RetryLaterError("as asked") if self.config.tick_s else RuntimeError("as asked \ud800")

    async def _fail_once(self) -> StepResult:
        if self.tries == 1:
            raise RuntimeError("the first time")
        return self._said()

    async def _exit(self) -> StepResult:
        sys.exit("as asked")

    async def _cancelled(self) -> StepResult:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future
        raise AssertionError

    async def _stubborn(self) -> StepResult:
        await self._swallow()
        return self._said()

    async def _swallow(self) -> None:
        while not self.released:
            try:
                await asyncio.sleep(0.02)
            except asyncio.CancelledError:
                continue

    async def _huge(self) -> StepResult:
        self.state.blob = "x" * 70_000
        return self._said()

    async def _block(self) -> StepResult:
        time.sleep(self.config.tick_s)  # noqa: ASYNC251 - that is what it is for
        return self._said()

    async def _parts(self) -> StepResult:
        subjects = []
        for _ in range(self.config.parts):
            subjects.append(self.state.subject)
            await asyncio.sleep(self.config.tick_s)
            await self.safe_point()
        return self._said(payload={"subjects": [*subjects, self.state.subject]})

    async def _done(self) -> StepResult:
        return self._said(done=True)

    async def _none(self) -> Any:
        return None

    async def _bad_payload(self) -> StepResult:
        return self._said(payload={"x": object()})

    async def _bad_tokens(self) -> StepResult:
        return self._said(tokens_in="12")

    async def _bad_text(self) -> StepResult:
        return StepResult("\ud800")

    async def guide(self, guidance: OddGuidance | str) -> str:
        self.guiding.set()
        subject = guidance if isinstance(guidance, str) else guidance.subject
        self.state.subject = subject
        match self.config.guide:
            case "hang":
                await asyncio.Event().wait()
            case "slow":
                await asyncio.sleep(self.config.tick_s)
            case "stubborn":
                await self._swallow()
            case "exit":
                sys.exit("as asked")
            case "cancelled":
                await self._cancelled()
            case "fail":
                raise RuntimeError("as asked")
            case "number":
                return 5  # type: ignore[return-value]
        if subject == "nothing":
            raise GuidanceRejectedError("nothing is no subject")
        return f"subject: {subject}"
