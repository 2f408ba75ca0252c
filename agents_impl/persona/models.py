"""The models of a persona: its configuration, its state, and the guidance that it takes."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent_core.actions.ids import KnownId
from agent_core.agent.base import AgentConfig
from agent_core.agent.guidance import Understood
from agent_core.agent.words import Words, changed, phrase, reading
from agents_impl.persona.context import Summary
from agents_impl.persona.manner import (
    ABOUT_CHARS,
    TONE_PHRASE,
    USUAL_TONE,
    Manner,
    Name,
    Order,
    SetInstructions,
    SetTone,
    Tone,
)
from store.conversations import MAX_CEILING

Reason = Literal["own_last", "muted", "paused", "cooldown", "ceiling", "talkativeness", "passed"]


Cooldown = Annotated[float, Field(ge=0, le=3_600, allow_inf_nan=False)]
ContextTokens = Annotated[int, Field(ge=200, le=100_000)]
Talkativeness = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class PersonaConfig(AgentConfig):
    """A persona's identity, and where it speaks. **Units**: seconds, tokens."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: Name
    conversation_id: KnownId
    tone: Tone = USUAL_TONE
    about: str = Field("", max_length=ABOUT_CHARS, description="who it is, what it wants")
    cooldown_s: Cooldown = Field(2.0, description="its rest after it has spoken")
    talkativeness: Talkativeness = Field(1.0, description="how likely it joins in")
    max_agent_turns: int = Field(
        12,
        ge=1,
        le=MAX_CEILING,
        description="agents' messages without a person's, then it is silent",
    )
    context_tokens: ContextTokens = Field(2_000, description="what the model is sent")
    memory_tokens: int = Field(
        300, ge=0, le=20_000, description="of them, for what its agent and all remember; 0: none"
    )


class Silence(BaseModel):
    """The reason why it said nothing to message `number`; `at` in microseconds since 1970."""

    reason: Reason
    text: str
    number: int
    at: int


class PersonaState(Manner):
    """`last_seen` is the newest message that it has answered, or chosen not to.

    `context_tokens` are those of guidance, which count before the configuration's; `fits_tokens`
    are what its model takes, where that has turned out to be less.
    """

    cooldown_s: float
    talkativeness: float
    context_tokens: int | None = None
    fits_tokens: int | None = None
    muted: bool = False
    last_seen: int = 0
    spoke_at: int | None = None
    turns: int = 0
    asked: bool = False
    summary: Summary | None = None
    silence: Silence | None = None


class SetCooldown(Order):
    type: Literal["set_cooldown"]
    seconds: Cooldown

    def take(self, state: PersonaState) -> Understood:
        before, state.cooldown_s = state.cooldown_s, self.seconds
        return Understood(
            changed("cooldown", f"{before:g} s", f"{self.seconds:g} s"),
            {"type": "set_cooldown", "seconds": before},
        )


class SetTalkativeness(Order):
    type: Literal["set_talkativeness"]
    value: Talkativeness

    def take(self, state: PersonaState) -> Understood:
        before, state.talkativeness = state.talkativeness, self.value
        return Understood(
            changed("talkativeness", f"{before:g}", f"{self.value:g}"),
            {"type": "set_talkativeness", "value": before},
        )


class SetContextTokens(Order):
    """Without `tokens`, those of the configuration hold again."""

    type: Literal["set_context_tokens"]
    tokens: ContextTokens | None

    def take(self, state: PersonaState) -> Understood:
        before, state.context_tokens = state.context_tokens, self.tokens
        state.fits_tokens = None
        return Understood(
            changed("context", _tokens(before), _tokens(self.tokens)),
            {"type": "set_context_tokens", "tokens": before},
        )


class SpeakNow(Order):
    type: Literal["speak_now"]

    def take(self, state: PersonaState) -> Understood:
        state.asked = True
        return Understood("asked to speak now")


class Mute(Order):
    type: Literal["mute"]

    def take(self, state: PersonaState) -> Understood:
        before, state.muted = state.muted, True
        return Understood("muted", None if before else {"type": "unmute"})


class Unmute(Order):
    type: Literal["unmute"]

    def take(self, state: PersonaState) -> Understood:
        before, state.muted = state.muted, False
        return Understood("no longer muted", {"type": "mute"} if before else None)


PersonaGuidance = Annotated[
    SetTone
    | SetCooldown
    | SetTalkativeness
    | SpeakNow
    | Mute
    | Unmute
    | SetContextTokens
    | SetInstructions,
    Field(discriminator="type"),
]


def _tokens(tokens: int | None) -> str:
    return "as configured" if tokens is None else f"{tokens} tokens"


_NUMBER = r"(?P<number>\d+(?:\.\d+)?)"
PERSONA_WORDS = Words(
    "Say how it should speak: be kinder to Finn · tone noir · mute · speak now",
    examples=("never mention the war", "tone noir", "cooldown 5 s", "speak now"),
    read=reading(
        phrase(
            "(?:be )?(?:mute|mute yourself|quiet|silent)|stay (?:quiet|silent)|say nothing|shut up",
            lambda _: {"type": "mute"},
        ),
        phrase("unmute|(?:you may )?(?:speak|talk) again", lambda _: {"type": "unmute"}),
        phrase(
            "speak(?: up)?(?: now)?|say something(?: now)?|your turn|go on",
            lambda _: {"type": "speak_now"},
        ),
        phrase(
            rf"(?:set )?(?:the )?cooldown *(?:to|:|=|of)? *{_NUMBER} *(?:s|seconds?)?",
            lambda found: {"type": "set_cooldown", "seconds": float(found["number"])},
        ),
        phrase(
            rf"(?:set )?(?:the )?talkativeness *(?:to|:|=|of)? *{_NUMBER}",
            lambda found: {"type": "set_talkativeness", "value": float(found["number"])},
        ),
        TONE_PHRASE,
    ),
)
"""Other words are an instruction, kept as it was given."""
