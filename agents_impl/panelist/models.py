"""The models of a panelist: its configuration, its state, and the guidance that it takes."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent_core.agent.base import AgentConfig
from agent_core.agent.words import Words, reading
from agents_impl.persona.manner import (
    ABOUT_CHARS,
    TONE_PHRASE,
    USUAL_TONE,
    Manner,
    Name,
    SetInstructions,
    SetTone,
    Tone,
)

GOAL_CHARS = 4_000
FACT_CHARS = 1_000
MOST_FACTS = 40


class PanelistConfig(AgentConfig):
    """Somebody with a name and a tone, and the question."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: Name = Field(description="under which it answers")
    goal: str = Field(min_length=1, max_length=GOAL_CHARS, description="the question")
    tone: Tone = Field(USUAL_TONE, description="how it speaks")
    about: str = Field("", max_length=ABOUT_CHARS, description="who it is, what it wants")
    facts: list[Annotated[str, Field(max_length=FACT_CHARS)]] = Field(
        [], max_length=MOST_FACTS, description="what it knows from the beginning"
    )


class Report(BaseModel):
    """The answer, as whoever has asked reads it; `failed`: the model gave none."""

    status: Literal["done", "failed"]
    goal: str
    summary: str
    files: list[str] = []
    facts: list[str] = []


class PanelistState(Manner):
    """The manner in which it answers, and the report of its answer once that is there.

    `fits_tokens` are what its model takes, where that has turned out to be less than was sent.
    """

    fits_tokens: int | None = None
    report: Report | None = None


PanelistGuidance = Annotated[SetTone | SetInstructions, Field(discriminator="type")]

PANELIST_WORDS = Words(
    "Say how it should answer: be brief · tone noir",
    examples=("think of those who pay for it", "tone noir"),
    read=reading(TONE_PHRASE),
)
"""Other words are an instruction, kept as it was given."""
