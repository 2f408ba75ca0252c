"""The shortest chain of facts between two entities, looked for from both sides at once."""

from dataclasses import dataclass, field

from reins.facts.naming import FactError, normal
from reins.facts.view import Held, Place, Seen

MAX_STEPS = 6
_MOST_KEYS = 20_000
"""Entities that are looked at: a search through a hub is given up, and says so."""


@dataclass(frozen=True, slots=True)
class Path:
    """The facts of a chain from one entity to the other; empty where both are one and the same.

    `names` are those at its joints, as they are shown.
    """

    names: list[str]
    facts: list[Held]


@dataclass(slots=True)
class _Side:
    came_by: dict[str, tuple[str, Place] | None]
    edge: list[str] = field(default_factory=list)


def path(seen: Seen, start: str, goal: str, most_steps: int = MAX_STEPS) -> Path | None:
    """One of the shortest chains of at most so many facts; None where there is none.

    Facts lead both ways. Raises: FactError where neither is known, or too much would be looked at.
    """
    if not 1 <= most_steps <= MAX_STEPS:
        raise FactError(f"the steps are {most_steps}; expected 1 to {MAX_STEPS}")
    one, other = seen.names(start), seen.names(goal)
    if one & other:
        return Path([_shown(seen, normal(start))], [])
    sides = [_Side(dict.fromkeys(keys), list(keys)) for keys in (one, other)]
    for _ in range(most_steps):
        near, far = sides if len(sides[0].edge) <= len(sides[1].edge) else reversed(sides)
        met = _grow(seen, near, far)
        if met is not None:
            return _joined(seen, sides, met)
        if not near.edge:
            return None
        if len(near.came_by) + len(far.came_by) > _MOST_KEYS:
            raise FactError(
                f"more than {_MOST_KEYS:,} entities lie around {start!r:.80} and {goal!r:.80}; "
                "ask for fewer steps, or for neighbours of one of them"
            )
    return None


def _grow(seen: Seen, side: _Side, other: _Side) -> str | None:
    """Go one fact further; gives the key where the two sides meet."""
    edge: list[str] = []
    for key in side.edge:
        for found, place in seen.adjacent(key):
            if found not in side.came_by:
                side.came_by[found] = key, place
                if found in other.came_by:
                    return found
                edge.append(found)
    side.edge = edge
    return None


def _joined(seen: Seen, sides: list[_Side], met: str) -> Path:
    before, after = _walked(sides[0], met), _walked(sides[1], met)
    keys = [*(key for key, _ in reversed(before)), met, *(key for key, _ in after)]
    places = [*(place for _, place in reversed(before)), *(place for _, place in after)]
    return Path([_shown(seen, key) for key in keys], [seen.held(place) for place in places])


def _walked(side: _Side, key: str) -> list[tuple[str, Place]]:
    found = []
    while (step := side.came_by[key]) is not None:
        found.append(step)
        key = step[0]
    return found


def _shown(seen: Seen, key: str) -> str:
    return seen.view.shown(key) or key
