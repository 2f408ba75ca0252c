"""Claims that cannot both be true, and are both believed: told, and settled by none but a rule."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

from reins.mind.beliefs import Belief, Beliefs
from reins.mind.claims import Claim
from reins.mind.errors import MindError
from reins.plans.naming import unknown

BELIEVED = 0.5


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two claims that exclude each other, each likelier than not.

    `stands` is the one that the rule lets stand, None where there is no rule or it cannot tell:
    then a person decides. Either way both beliefs stay what their evidence makes them.
    """

    one: Belief
    other: Belief
    rule: str | None = None
    stands: str | None = None


Rule: TypeAlias = Callable[[Belief, Belief], str | None]


def likelier(one: Belief, other: Belief) -> str | None:
    """A rule: the likelier one stands."""
    return _greater(one, other, one.log_odds, other.log_odds)


def newer(one: Belief, other: Belief) -> str | None:
    """A rule: the one with the newer evidence stands."""
    return _greater(one, other, one.last_at or 0, other.last_at or 0)


RULES: Mapping[str, Rule] = {"likelier": likelier, "newer": newer}


def _greater(one: Belief, other: Belief, mine: float, its: float) -> str | None:
    return None if mine == its else one.claim if mine > its else other.claim


def contradictions(
    beliefs: Beliefs, at: int, rules: Mapping[str, Rule] = RULES
) -> list[Contradiction]:
    """Each pair of claims that exclude each other and are both believed at this moment.

    A rule settles a pair where one of the two declares it, and the other none or the same. Raises:
    MindError for a rule that is not there.
    """
    believed = {each.claim: each for each in beliefs.all(at) if each.probability > BELIEVED}
    return [
        _told(beliefs, believed[one], believed[other], rules)
        for one, other in sorted(set(_excluding(beliefs, believed)))
    ]


def _excluding(beliefs: Beliefs, believed: Mapping[str, Belief]) -> Iterator[tuple[str, str]]:
    groups: dict[str, list[str]] = {}
    for name in sorted(believed):
        claim = beliefs.claim(name)
        yield from (tuple(sorted((name, each))) for each in claim.excludes if each in believed)  # type: ignore[misc]
        if claim.one_of is not None:
            groups.setdefault(claim.one_of, []).append(name)
    for names in groups.values():
        yield from combinations(names, 2)


def _told(beliefs: Beliefs, one: Belief, other: Belief, rules: Mapping[str, Rule]) -> Contradiction:
    name = _rule(beliefs.claim(one.claim), beliefs.claim(other.claim))
    if name is None:
        return Contradiction(one, other)
    if name not in rules:
        raise MindError(f"{unknown('rule', name, rules)} It is declared for {one.claim!r}")
    return Contradiction(one, other, name, rules[name](one, other))


def _rule(one: Claim, other: Claim) -> str | None:
    declared = {one.rule, other.rule} - {None}
    return declared.pop() if len(declared) == 1 else None
