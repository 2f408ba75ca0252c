"""Names that may be of one entity: proposed to people and agents, never joined by themselves."""

from collections.abc import Iterator
from difflib import SequenceMatcher

from reins.facts.graph import Graph
from reins.facts.naming import DIFFERENT, skeleton
from reins.facts.view import Seen

_NEAR = 0.84
_BLOCK = 4
_MOST_IN_BLOCK = 300
_SHORTEST = 3


class NearNames:
    """The names of a graph by their words and their ends: those beside one another are compared."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._blocks: dict[str, list[int]] = {}
        self._upto = 0

    def beside(self, name: str) -> Iterator[str]:
        """The keys of names that share a word or an end with a normal name."""
        self._follow()
        found: set[int] = set()
        for block in _blocks(name):
            numbers = self._blocks.get(block, ())
            if len(numbers) <= _MOST_IN_BLOCK:
                found.update(numbers)
        keys = self._graph.entities.keys
        return (keys[number] for number in sorted(found))

    def _follow(self) -> None:
        keys = self._graph.entities.keys
        for number in range(self._upto, len(keys)):
            for block in _blocks(keys[number]):
                self._blocks.setdefault(block, []).append(number)
        self._upto = len(keys)


def near_names(seen: Seen, beside: list[NearNames], key: str, most: int = 5) -> list[str]:
    """The names that are nearest to a name and not known to be of its entity, as they are shown."""
    own, scored = seen.names(key), {}
    for each in beside:
        for other in each.beside(key):
            if other not in own and (score := nearness(key, other)) >= _NEAR:
                scored[other] = score
    ranked = sorted(scored, key=lambda other: (-scored[other], other))
    best = [each for each in ranked if not seen.between(key, each, DIFFERENT)][:most]
    return [seen.view.shown(each) or each for each in best]


def nearness(one: str, other: str) -> float:
    """How alike two normal names are, from 0 to 1: spelling, order of words, initials."""
    first, second = skeleton(one), skeleton(other)
    if first == second:
        return 1.0
    words, others = first.split(), second.split()
    if sorted(words) == sorted(others):
        return 0.98
    if _numbers(words) != _numbers(others):  # "plan 1" is not nearly "plan 2"
        return 0.0
    if len(words) == len(others) > 1 and all(map(_initial, words, others)):
        return 0.9
    return _spelling(first, second) if min(len(first), len(second)) >= _SHORTEST else 0.0


def _spelling(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if matcher.real_quick_ratio() < _NEAR or matcher.quick_ratio() < _NEAR:
        return 0.0
    return matcher.ratio()


def _initial(one: str, other: str) -> bool:
    """True for the same word, or the first letter of one."""
    return one == other or (min(len(one), len(other)) == 1 and one[0] == other[0])


def _numbers(words: list[str]) -> list[str]:
    return sorted(word for word in words if any(each.isdigit() for each in word))


def _blocks(key: str) -> set[str]:
    bare = skeleton(key)
    joined = bare.replace(" ", "")
    words = {f"w{word}" for word in bare.split() if len(word) >= _SHORTEST}
    return words | {f"b{joined[:_BLOCK]}", f"e{joined[-_BLOCK:]}"}
