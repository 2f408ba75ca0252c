"""The manner of whoever plays a person: name, tone and instructions, and the guidance for them."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from agent_core.agent.guidance import GuidanceRejectedError, Understood
from agent_core.agent.words import changed, phrase
from reins.names.folding import name_key


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
USUAL_TONE = "friendly"
ABOUT_CHARS = 2_000
MOST_INSTRUCTIONS = 5
INSTRUCTION_CHARS = 1_000
Instruction = Annotated[str, Field(min_length=1, max_length=INSTRUCTION_CHARS)]


class Manner(BaseModel):
    """The part of a state that says how it speaks at present."""

    tone: str
    instructions: list[str] = []

    def instruct(self, text: str) -> Understood:
        """Follow these words too; the newest few are kept. Raises: GuidanceRejectedError."""
        if len(text) > INSTRUCTION_CHARS:
            raise GuidanceRejectedError(
                f"the instruction has {len(text)} characters; "
                f"expected {INSTRUCTION_CHARS} at the most"
            )
        before = self.instructions
        self.instructions = [*before, text][-MOST_INSTRUCTIONS:]
        undo = {"type": "set_instructions", "instructions": before}
        return Understood(f"instruction: {text[:80]}", undo)


class Order(BaseModel):
    """One kind of guidance; `take` puts it into the state and says what that changes."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    def take(self, state: Any) -> Understood:
        raise NotImplementedError


class SetTone(Order):
    type: Literal["set_tone"]
    tone: Tone

    def take(self, state: Manner) -> Understood:
        before, state.tone = state.tone, self.tone
        return Understood(changed("tone", before, self.tone), {"type": "set_tone", "tone": before})


class SetInstructions(Order):
    """All that it is asked to follow, in place of what it was asked before."""

    type: Literal["set_instructions"]
    instructions: Annotated[list[Instruction], Field(max_length=MOST_INSTRUCTIONS)]

    def take(self, state: Manner) -> Understood:
        before, state.instructions = state.instructions, self.instructions
        undo = {"type": "set_instructions", "instructions": before}
        return Understood(changed("instructions", len(before), len(self.instructions)), undo)


TONE_PHRASE = phrase(
    r"(?:set )?(?:the |your )?tone *(?:to|:|=|of)? *(?P<tone>[\w ,'\u2019-]{1,60}?)",
    lambda found: {"type": "set_tone", "tone": found["tone"].strip()},
)
