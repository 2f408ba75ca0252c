"""The models of a persona: its configuration, its state, and the guidance that it takes."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from agent_core.actions.ids import KnownId
from agent_core.agent.base import AgentConfig
from agent_core.conversations.conversation import MAX_TURNS
from agents_impl.persona.context import Summary
from reins.names.folding import name_key

Reason = Literal["own_last", "muted", "cooldown", "ceiling", "talkativeness", "passed"]


def _line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("expected one line without control characters")
    return value


def _name(value: str) -> str:
    # In Persian and in emoji a name may have joints that show nothing by themselves.
    _line(re.sub("[\u200c\u200d]", "", value))
    if not name_key(value):
        raise ValueError("expected a name that can be seen")
    return value


Name = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_name)]
Tone = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_line)]
Cooldown = Annotated[float, Field(ge=0, le=3_600, allow_inf_nan=False)]
ContextTokens = Annotated[int, Field(ge=200, le=100_000)]
Talkativeness = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class PersonaConfig(AgentConfig):
    """A persona's identity, and where it speaks. **Units**: seconds, tokens."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: Name
    conversation_id: KnownId
    tone: Tone = "friendly"
    about: str = Field("", max_length=2_000, description="who it is, what it wants")
    cooldown_s: Cooldown = Field(2.0, description="its rest after it has spoken")
    talkativeness: Talkativeness = Field(1.0, description="how likely it joins in")
    max_agent_turns: int = Field(
        12, ge=1, le=MAX_TURNS, description="agents' messages without a person's, then it is silent"
    )
    context_tokens: ContextTokens = Field(2_000, description="what the model is sent")


class Silence(BaseModel):
    """The reason why it said nothing to message `number`; `at` in microseconds since 1970."""

    reason: Reason
    text: str
    number: int
    at: int


class PersonaState(BaseModel):
    """`last_seen` is the newest message that it has answered, or chosen not to.

    `context_tokens` are those of guidance, which count before the configuration's; `fits_tokens`
    are what its model takes, where that has turned out to be less.
    """

    tone: str
    cooldown_s: float
    talkativeness: float
    context_tokens: int | None = None
    fits_tokens: int | None = None
    muted: bool = False
    instructions: list[str] = []
    last_seen: int = 0
    spoke_at: int | None = None
    turns: int = 0
    asked: bool = False
    summary: Summary | None = None
    silence: Silence | None = None


class PersonaOrder(BaseModel):
    """One kind of guidance; `take` puts it into the state and says so in a line."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    def take(self, state: PersonaState) -> str:
        raise NotImplementedError


class SetTone(PersonaOrder):
    type: Literal["set_tone"]
    tone: Tone

    def take(self, state: PersonaState) -> str:
        state.tone = self.tone
        return f"tone: {self.tone}"


class SetCooldown(PersonaOrder):
    type: Literal["set_cooldown"]
    seconds: Cooldown

    def take(self, state: PersonaState) -> str:
        state.cooldown_s = self.seconds
        return f"cooldown: {self.seconds:g} s"


class SetTalkativeness(PersonaOrder):
    type: Literal["set_talkativeness"]
    value: Talkativeness

    def take(self, state: PersonaState) -> str:
        state.talkativeness = self.value
        return f"talkativeness: {self.value:g}"


class SetContextTokens(PersonaOrder):
    type: Literal["set_context_tokens"]
    tokens: ContextTokens

    def take(self, state: PersonaState) -> str:
        state.context_tokens = self.tokens
        state.fits_tokens = None
        return f"context: {self.tokens} tokens"


class SpeakNow(PersonaOrder):
    type: Literal["speak_now"]

    def take(self, state: PersonaState) -> str:
        state.asked = True
        return "asked to speak now"


class Mute(PersonaOrder):
    type: Literal["mute"]

    def take(self, state: PersonaState) -> str:
        state.muted = True
        return "muted"


class Unmute(PersonaOrder):
    type: Literal["unmute"]

    def take(self, state: PersonaState) -> str:
        state.muted = False
        return "no longer muted"


PersonaGuidance = Annotated[
    SetTone | SetCooldown | SetTalkativeness | SpeakNow | Mute | Unmute | SetContextTokens,
    Field(discriminator="type"),
]
