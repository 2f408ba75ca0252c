"""A tool that has to ask a person in the middle of a call: the call ends there, and goes on later.

Nothing waits inside a call: what is needed to go on is kept by whoever made it, for days if need
be, and given back with the answer.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Asks:
    """The question, and what the tool needs to go on: plain values of JSON, a few kB at most."""

    question: str
    state: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer of a person, with the state that was kept."""

    text: str
    state: dict[str, Any]
