"""Words as guidance: a type declares once what it reads in a text, and what it asks otherwise."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Fields: TypeAlias = Mapping[str, Any]
Read: TypeAlias = Callable[[str], Fields | None]

LONGEST_READ = 300
"""Characters of a text that is read for phrases: a pattern takes its time over a long one."""


def _nothing(_: str) -> None:
    """No words mean fields."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words that a type of agent takes.

    `placeholder` invites to them. `read` gives the fields of the type's guidance that a text
    means; None: it is not in plain words, and `guide` gets the text. It raises
    GuidanceRejectedError with a question where a text says too little: nothing is guessed.
    """

    placeholder: str = "Tell it something, in words"
    examples: Sequence[str] = ()
    read: Read = _nothing


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that mean fields: a pattern of the whole text, and what its groups say."""

    pattern: re.Pattern[str]
    fields: Callable[[re.Match[str]], Fields]


def phrase(pattern: str, fields: Callable[[re.Match[str]], Fields]) -> Phrase:
    """A phrase in any case, with a stop or an exclamation mark after it or none."""
    return Phrase(
        re.compile(rf"(?:please,? )?(?:{pattern})(?:,? please)?[.! ]*", re.IGNORECASE), fields
    )


def reading(*phrases: Phrase) -> Read:
    """Read by the first phrase that a text is."""

    def read(text: str) -> Fields | None:
        plain = " ".join(text[: LONGEST_READ + 1].split())
        if len(plain) > LONGEST_READ:
            return None
        for each in phrases:
            if found := each.pattern.fullmatch(plain):
                return each.fields(found)
        return None

    return read


def changed(what: str, before: object, after: object) -> str:
    """A change in a line: `subject: tea → the moon`."""
    if before == after:
        return f"{what}: {after}, as before"
    return f"{what}: {before} → {after}"
