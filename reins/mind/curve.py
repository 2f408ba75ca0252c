"""The curve of a belief over time: a point before and after each piece of evidence, and between."""

from collections.abc import Iterable
from typing import NamedTuple

from reins.mind.beliefs import Beliefs
from reins.mind.claims import Claim
from reins.mind.errors import MindError
from reins.mind.evidence import Evidence, Row, in_force

POINTS = 120


class Point(NamedTuple):
    """The probability at a moment. **Units**: microseconds since 1970."""

    at: int
    probability: float


def history(
    claim: Claim, rows: Iterable[Row], until: int, *, since: int | None = None, most: int = POINTS
) -> list[Point]:
    """The probability of the claim from its first evidence, or `since`, to `until`.

    At each piece of evidence it jumps, so two points have its time; where nothing happens it fades.
    Where that is more than `most` points, those in between are thinned out evenly. What is taken
    back has left no trace. Raises: MindError for fewer than two points.
    """
    if most < 2:  # noqa: PLR2004 - a line has two ends
        raise MindError(f"most is {most}; a curve needs at least 2 points")
    evidence = [each for each in in_force(rows) if each.claim == claim.id and each.at <= until]
    begin = min(since if since is not None else evidence[0].at if evidence else until, until)
    grid = {begin + (until - begin) * step // (most - 1) for step in range(most)}
    return _thinned(_points(claim, evidence, begin, grid), most)


def _points(claim: Claim, evidence: list[Evidence], begin: int, grid: set[int]) -> list[Point]:
    beliefs = Beliefs({claim.id: claim})
    jumps: dict[int, list[Evidence]] = {}
    for each in evidence:
        jumps.setdefault(each.at, []).append(each)
    found: list[Point] = []
    for at in sorted(grid | jumps.keys()):
        if at in jumps:
            if at >= begin:
                found.append(Point(at, beliefs.belief(claim.id, at).probability))
            beliefs = beliefs.followed_by(*jumps[at])
        if at >= begin:
            found.append(Point(at, beliefs.belief(claim.id, at).probability))
    return found


def _thinned(points: list[Point], most: int) -> list[Point]:
    last = len(points) - 1
    if last < most:
        return points
    return [points[last * step // (most - 1)] for step in range(most)]
