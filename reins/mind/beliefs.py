"""Beliefs: each claim's log-odds, folded of its evidence, and read as they stand at any moment."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from pydantic import ConfigDict

from reins.mind.claims import Claim
from reins.mind.errors import LateEvidenceError, MindError, TooLargeError
from reins.mind.evidence import Evidence, Row, in_force
from reins.mind.folding import EMPTY, Fold, Summing, sums
from reins.mind.reading import dump, read

CONTESTED_NATS, LITTLE_NATS = 1.0, 1.0
"""Contested: support and opposition are both above. Uncertain: together they are below."""
MAX_FRESH = 256


@dataclass(frozen=True, slots=True)
class Belief:
    """A claim as it stands at a moment. **Units**: `at` in microseconds; nats, but for the
    probability. `last_at` is the time of its newest evidence, None without any.
    """

    claim: str
    at: int
    probability: float
    log_odds: float
    support: float
    opposition: float
    pieces: int
    last_at: int | None

    @property
    def contested(self) -> bool:
        """True where much speaks for it and much against it."""
        return min(self.support, self.opposition) > CONTESTED_NATS

    @property
    def uncertain(self) -> bool:
        """True where little speaks for it or against it, or what did has faded."""
        return self.support + self.opposition < LITTLE_NATS


class Change(NamedTuple):
    """A belief without and with what was asked about."""

    before: Belief
    after: Belief


@dataclass(frozen=True, slots=True)
class Beliefs:
    """Folds of claims by their ids; a claim that is not declared has the prior and half-life of
    `Claim(id)`. `fresh` are rows that are folded in and not on disk yet, for whoever writes them.

    A value: whatever is added makes another. What it was made of are the rows, which stay true.
    """

    claims: dict[str, Claim] = field(default_factory=dict)
    folds: dict[str, Fold] = field(default_factory=dict)
    fresh: tuple[Evidence, ...] = ()

    __pydantic_config__ = ConfigDict(extra="forbid")

    def claim(self, name: str) -> Claim:
        """The claim of this id, declared or not."""
        return self.claims.get(name) or Claim(name)

    def belief(self, name: str, at: int) -> Belief:
        """The claim as it stands at a moment; without evidence at its prior.

        Before its newest evidence it is as it stood there: for the past, fold the rows of then.
        """
        claim, fold = self.claim(name), self.folds.get(name, EMPTY)
        found = sums(fold, at, claim.half_life_us)
        log_odds = claim.prior_log_odds + found.shift
        return Belief(
            name, at, _probability(log_odds), log_odds, found.support, found.opposition,
            fold.pieces, fold.at if fold.pieces else None,
        )  # fmt: skip

    def all(self, at: int) -> list[Belief]:
        """Each claim that is declared, or has evidence, by its id."""
        return [self.belief(name, at) for name in sorted({*self.claims, *self.folds})]

    def declared(self, *claims: Claim) -> "Beliefs":
        """The same with these claims, in place of those of the same id.

        Raises: MindError for another half-life where there is evidence.
        """
        for claim in claims:
            if claim.id in self.folds and claim.half_life_s != self.claim(claim.id).half_life_s:
                raise MindError(
                    f"claim {claim.id!r} has evidence that fades in "
                    f"{self.claim(claim.id).half_life_s} s, given {claim.half_life_s}; fold all "
                    f"rows again with the new claim"
                )
        return replace(self, claims=self.claims | {each.id: each for each in claims})

    def followed_by(self, *rows: Row, fresh: bool = False) -> "Beliefs":
        """The same with these rows folded in; with `fresh` they are still to be written.

        Folding all rows at once comes to the same. Raises: LateEvidenceError for an undo, or
        evidence that is not newer than what is folded in: `fold` all rows then.
        """
        evidence = [row for row in rows if isinstance(row, Evidence)]
        if len(evidence) < len(rows):
            raise LateEvidenceError(
                "an undo takes back what may be folded in already; fold all rows again"
            )
        kept = (*self.fresh, *evidence) if fresh else self.fresh
        if len(kept) > MAX_FRESH:
            raise TooLargeError(
                f"{len(kept)} rows are not written yet, of at most {MAX_FRESH}; "
                f"commit them (`committed`) before there are more"
            )
        return replace(self, folds=self.folds | self._summed(in_force(evidence)), fresh=kept)

    def _summed(self, evidence: Iterable[Evidence]) -> dict[str, Fold]:
        found: dict[str, Summing] = {}
        for each in evidence:
            summing = found.get(each.claim)
            if summing is None:
                fold = self.folds.get(each.claim, EMPTY)
                summing = found[each.claim] = Summing(fold, self.claim(each.claim).half_life_us)
            summing.add(each)
        return {name: summing.fold() for name, summing in found.items()}

    def next_at(self, claim: str, now: int) -> int:
        """The time for another piece of evidence of now: after all that is folded in, even where
        the clock was set back.
        """
        return max(now, self.folds.get(claim, EMPTY).at + 1)

    def committed(self) -> "Beliefs":
        """The same, when what was fresh is on disk."""
        return replace(self, fresh=())

    def as_json(self) -> dict[str, Any]:
        """The same as a snapshot holds it."""
        return dump(self)

    @classmethod
    def from_json(cls, given: Any) -> "Beliefs":
        """The beliefs of which `as_json` made this. Raises: MindError."""
        return read(cls, given, "beliefs")


def fold(rows: Iterable[Row], claims: Iterable[Claim] = ()) -> Beliefs:
    """The beliefs that rows come to, in whatever order they are given: those that are taken back
    are left out, and a row that is there twice counts once.

    Raises: MindError for two different rows of one id.
    """
    beliefs = Beliefs({claim.id: claim for claim in claims})
    return replace(beliefs, folds=beliefs._summed(in_force(rows)))  # noqa: SLF001 - its own fold


def what_if(
    rows: Iterable[Row], more: Iterable[Row], at: int, claims: Iterable[Claim] = ()
) -> dict[str, Change]:
    """The beliefs at a moment, without and with more rows, of each claim that these move.

    `more` may be of any time, and take evidence back. Nothing is kept of it.
    """
    every, claims = list(rows), list(claims)
    before, after = fold(every, claims), fold([*every, *more], claims)
    return {
        name: Change(before.belief(name, at), after.belief(name, at))
        for name in sorted({*before.folds, *after.folds})
        if before.folds.get(name) != after.folds.get(name)
    }


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
