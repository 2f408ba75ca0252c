"""The unit of work of all that is compared: a text and a state that change at each tick.

Nothing but the standard library: the peers' environment imports this too.
"""

import random
from typing import Any

TEXT_BYTES = 200
_LAST_BYTES = 100
_NOTES_BYTES = 330
_STRIDE = 7_919
"""A prime: the texts of ticks that follow each other have nothing in common."""


def _prose(size: int) -> str:
    """Made-up words, the frequent ones short and often, as languages have them."""
    chance = random.Random(14)
    syllables = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]
    words = ["".join(chance.choices(syllables, k=1 + number % 4)) for number in range(3_000)]
    weights = [1 / (rank + 3) for rank in range(len(words))]
    return " ".join(chance.choices(words, weights, k=size // 4))[:size]


_PROSE = _prose(1 << 18)
_TEXTS = len(_PROSE) - TEXT_BYTES


def text(number: int, session: int = 0) -> str:
    """About 200 bytes, another at each tick of each session."""
    at = (number * _STRIDE + session * 104_729) % _TEXTS
    return _PROSE[at : at + TEXT_BYTES]


def notes(session: int = 0) -> str:
    """The part of a state that stays: a plan, say."""
    at = session * 15_485_863 % (len(_PROSE) - _NOTES_BYTES)
    return _PROSE[at : at + _NOTES_BYTES]


def state(number: int, said: str, kept: str) -> dict[str, Any]:
    """About 500 bytes as JSON, of which a counter and a hundred bytes change at each tick."""
    return {"ticks": number, "guided": "", "last": said[:_LAST_BYTES], "notes": kept}
