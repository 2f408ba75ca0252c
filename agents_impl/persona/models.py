"""The models of a persona: its configuration, its state, and the guidance that it takes."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from agent_core.actions.ids import KnownId
from agent_core.agent.base import AgentConfig
from agent_core.agent.guidance import Understood
from agent_core.agent.words import Words, changed, phrase, reading
from agents_impl.persona.context import Summary
from reins.names.folding import name_key
from store.conversations import MAX_CEILING

Reason = Literal["own_last", "muted", "paused", "cooldown", "ceiling", "talkativeness", "passed"]


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
MOST_INSTRUCTIONS = 5
INSTRUCTION_CHARS = 1_000
Instruction = Annotated[str, Field(min_length=1, max_length=INSTRUCTION_CHARS)]
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
        12,
        ge=1,
        le=MAX_CEILING,
        description="agents' messages without a person's, then it is silent",
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
    """One kind of guidance; `take` puts it into the state and says what that changes."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    def take(self, state: PersonaState) -> Understood:
        raise NotImplementedError


class SetTone(PersonaOrder):
    type: Literal["set_tone"]
    tone: Tone

    def take(self, state: PersonaState) -> Understood:
        before, state.tone = state.tone, self.tone
        return Understood(changed("tone", before, self.tone), {"type": "set_tone", "tone": before})


class SetCooldown(PersonaOrder):
    type: Literal["set_cooldown"]
    seconds: Cooldown

    def take(self, state: PersonaState) -> Understood:
        before, state.cooldown_s = state.cooldown_s, self.seconds
        return Understood(
            changed("cooldown", f"{before:g} s", f"{self.seconds:g} s"),
            {"type": "set_cooldown", "seconds": before},
        )


class SetTalkativeness(PersonaOrder):
    type: Literal["set_talkativeness"]
    value: Talkativeness

    def take(self, state: PersonaState) -> Understood:
        before, state.talkativeness = state.talkativeness, self.value
        return Understood(
            changed("talkativeness", f"{before:g}", f"{self.value:g}"),
            {"type": "set_talkativeness", "value": before},
        )


class SetContextTokens(PersonaOrder):
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


class SetInstructions(PersonaOrder):
    """All that it is asked to follow, in place of what it was asked before."""

    type: Literal["set_instructions"]
    instructions: Annotated[list[Instruction], Field(max_length=MOST_INSTRUCTIONS)]

    def take(self, state: PersonaState) -> Understood:
        before, state.instructions = state.instructions, self.instructions
        undo = {"type": "set_instructions", "instructions": before}
        return Understood(changed("instructions", len(before), len(self.instructions)), undo)


class SpeakNow(PersonaOrder):
    type: Literal["speak_now"]

    def take(self, state: PersonaState) -> Understood:
        state.asked = True
        return Understood("asked to speak now")


class Mute(PersonaOrder):
    type: Literal["mute"]

    def take(self, state: PersonaState) -> Understood:
        before, state.muted = state.muted, True
        return Understood("muted", None if before else {"type": "unmute"})


class Unmute(PersonaOrder):
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
        phrase(
            r"(?:set )?(?:the |your )?tone *(?:to|:|=|of)? *(?P<tone>[\w ,'\u2019-]{1,60}?)",
            lambda found: {"type": "set_tone", "tone": found["tone"].strip()},
        ),
    ),
)
"""Other words are an instruction, kept as it was given."""
