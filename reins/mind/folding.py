"""The arithmetic of beliefs: evidence moves log-odds from their prior, and fades back to it.

A fold stands at its newest piece of evidence, and is read at any later moment without a change.
"""

from dataclasses import dataclass
from typing import NamedTuple

from pydantic import ConfigDict

from reins.mind.errors import LateEvidenceError
from reins.mind.evidence import MAX_WEIGHT, Evidence

MAX_SOURCES = 32
"""Sources of one claim that are told apart: those that spoke last."""


class Heard(NamedTuple):
    """The words of a source of one claim, in nats, as it stood when it last spoke."""

    source: str
    support: float
    opposition: float
    at: int


_SILENCE = Heard("", 0.0, 0.0, 0)


@dataclass(frozen=True, slots=True)
class Fold:
    """Evidence of one claim, summed up; `shift` is its distance from the prior, in nats, at `at`.

    `heard` begins with the source that has been silent longest; `rest` is what those before them
    have said, together.
    """

    shift: float = 0.0
    at: int = 0
    last_id: str = ""
    pieces: int = 0
    heard: tuple[Heard, ...] = ()
    rest: Heard = _SILENCE

    __pydantic_config__ = ConfigDict(extra="forbid")


class Sums(NamedTuple):
    """A fold at a moment, in nats: faded, and with all sources together."""

    shift: float
    support: float
    opposition: float


EMPTY = Fold()


def fading(passed_us: int, half_life_us: float) -> float:
    """The part that is left of evidence after a time."""
    return float(2.0 ** (-passed_us / half_life_us))


def with_word(support: float, opposition: float, weight: float) -> tuple[float, float]:
    """The sums of a source, for and against, after another word of it.

    A word adds its weight less half of what was said on its side, and never takes away there: the
    same word again adds half each time. From the other side it takes back half its weight, or half
    of what is there.
    """
    if weight < 0:
        opposition, support = with_word(opposition, support, -weight)
        return support, opposition
    return max(support, support / 2 + weight), opposition - min(opposition, weight) / 2


def sums(fold: Fold, at: int, half_life_us: float) -> Sums:
    """The fold as it stands at a moment; before its newest evidence, as it stands there."""
    at = max(at, fold.at)
    support = opposition = 0.0
    for each in (fold.rest, *fold.heard):
        left = fading(at - each.at, half_life_us)
        support += each.support * left
        opposition += each.opposition * left
    return Sums(fold.shift * fading(at - fold.at, half_life_us), support, opposition)


def _faded(heard: Heard, at: int, half_life_us: float) -> Heard:
    left = fading(at - heard.at, half_life_us)
    return Heard(heard.source, heard.support * left, heard.opposition * left, at)


class Summing:
    """Takes evidence into a fold, piece by piece, in the order of time and id."""

    def __init__(self, fold: Fold, half_life_us: float) -> None:
        self._half_life_us = half_life_us
        self._shift, self._at, self._last_id = fold.shift, fold.at, fold.last_id
        self._pieces = fold.pieces
        self._heard = {each.source: each for each in fold.heard}
        self._rest = fold.rest

    def add(self, evidence: Evidence) -> None:
        """Take in the next piece. Raises: LateEvidenceError where it does not follow the last."""
        at = evidence.at
        if (at, evidence.id) <= (self._at, self._last_id):
            raise LateEvidenceError(
                f"evidence {evidence.id!r} of {evidence.claim!r} is of {at}, not after "
                f"{self._last_id!r} of {self._at}, which is folded in; fold all rows again"
            )
        before = self._heard.pop(evidence.source, None)
        support = opposition = 0.0
        if before is not None:
            left = fading(at - before.at, self._half_life_us)
            support, opposition = before.support * left, before.opposition * left
        for_it, against = with_word(support, opposition, evidence.weight)
        self._move((for_it - support) - (against - opposition), evidence)
        self._heard[evidence.source] = Heard(evidence.source, for_it, against, at)
        if len(self._heard) > MAX_SOURCES:
            self._lump(at)

    def _move(self, change: float, evidence: Evidence) -> None:
        faded = self._shift * fading(evidence.at - self._at, self._half_life_us)
        self._shift = max(-MAX_WEIGHT, min(MAX_WEIGHT, faded + change))
        self._at, self._last_id = evidence.at, evidence.id
        self._pieces += 1

    def _lump(self, at: int) -> None:
        """Count the source that has been silent longest with those before it."""
        silent = self._heard.pop(next(iter(self._heard)))
        one = _faded(silent, at, self._half_life_us)
        rest = _faded(self._rest, at, self._half_life_us)
        self._rest = Heard("", rest.support + one.support, rest.opposition + one.opposition, at)

    def fold(self) -> Fold:
        """The sum so far."""
        heard = tuple(self._heard.values())
        return Fold(self._shift, self._at, self._last_id, self._pieces, heard, self._rest)
