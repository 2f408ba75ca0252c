"""An agent that says, keeps, logs and raises a secret of its environment. A module of types."""

import logging
import os
import threading
from typing import Any

import structlog
from pydantic import BaseModel

from agent_core.agent.base import AgentConfig
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import StepResult
from reins.llm import Model
from tests.support.canaries import ENCODED

SECRET = "LEAKY_PASSWORD"
_log = structlog.get_logger(__name__)


class Choice(BaseModel):
    action: str
    reason: str


class LeakyConfig(AgentConfig):
    note: str = ""


class LeakyState(BaseModel):
    n: int = 0
    kept: dict[str, Any] = {}


class LeakyAgent(LoopingAgentBase):
    """Its first ticks leak in one way each; then it repeats what a model says in a typed answer."""

    agent_type = "leaky"
    Config = LeakyConfig
    State = LeakyState

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tries = 0

    def first_state(self) -> LeakyState:
        return LeakyState()

    async def tick(self) -> StepResult:
        self._tries += 1
        self.state.n += 1
        secret = os.environ[SECRET]
        forms = {name: encode(secret) for name, encode in ENCODED.items()}
        shown = "; ".join(forms.values())
        match self._tries:
            case 1:
                self.state.kept = {"forms": forms, secret: [secret]}
                return StepResult(shown, payload={"forms": forms, secret: secret})
            case 2:
                _log.warning(f"it is {secret}", forms=forms, list=[secret])
                logging.getLogger("a.library").error("it is %s", shown)
                thread = threading.Thread(target=self._fail, args=(shown,), name=f"of {secret}")
                thread.start()
                thread.join()
                return StepResult("logged")
            case 3:
                self._fail(shown)
            case 4:
                raise ExceptionGroup(shown, [KeyError(secret), OSError(13, secret)])
        answer = await self.services.get(Model).structured(
            "ChooseAction", Choice, goal=secret, actions=["look"], seen=[shown]
        )
        return StepResult(answer.value.reason, payload=answer.value.model_dump())

    async def guide(self, guidance: str) -> str:
        self.state.kept = {"told": guidance}
        return f"told: {guidance}"

    def _fail(self, shown: str) -> None:
        raise RuntimeError(f"cannot log in with {shown}")
