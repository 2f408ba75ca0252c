"""Facts as a session, or a person, sees them: of several owners at once, at a moment."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reins.facts.fact import EVER, Moment, Op, Scope
from reins.facts.graph import Fact, Graph
from reins.facts.naming import ALIAS, FUNCTIONAL, IS_A, FactError, normal

_FAR = 1 << 62
_MOST_ALIASES = 50
Place = tuple[int, int]
"""A fact by the number of its graph and its number there."""


@dataclass(frozen=True, slots=True)
class Held:
    """A fact as it stands: from when to when it is true with all that has come after it.

    `ended_by` is the fact that took its place in a functional relation. `retracted`: it is not
    counted any more, and stands in histories alone. **Units**: microseconds since 1970.
    """

    fact: Fact
    scope: Scope
    valid_from: int | None
    valid_to: int | None
    ended_by: str | None = None
    retracted: bool = False

    def is_true(self, at: int) -> bool:
        """True at a time, as far as it is said from when to when."""
        return not self.retracted and (
            (self.valid_from is None or self.valid_from <= at)
            and (self.valid_to is None or at < self.valid_to)
        )


class View:
    """The graphs that one may see together, the nearest first. Cheap to make; reads alone."""

    def __init__(self, graphs: Sequence[tuple[Scope, Graph]]) -> None:
        self.graphs = graphs

    def __len__(self) -> int:
        return sum(len(graph) for _, graph in self.graphs)

    def find(self, fact_id: str) -> tuple[Scope, Graph, int] | None:
        """The graph that has a fact, and its number there."""
        for scope, graph in self.graphs:
            if (number := graph.place(fact_id)) is not None:
                return scope, graph, number
        return None

    def shown(self, name: str) -> str | None:
        """The name as it was first written; None where nothing is known of it."""
        for _, graph in self.graphs:
            if (number := graph.entities.find(normal(name))) is not None:
                return graph.entities.shown[number]
        return None

    def at(self, moment: Moment = EVER) -> "Seen":
        """The view at a moment."""
        return Seen(self, moment)


class Seen:
    """The view at one moment; what it has found out of relations and aliases it keeps."""

    def __init__(self, view: View, moment: Moment) -> None:
        self.view, self.moment = view, moment
        self._graphs = [graph for _, graph in view.graphs]
        self._functional: dict[str, bool] = {}
        self._aliases: dict[str, frozenset[str]] = {}
        self._cuts: dict[tuple[frozenset[str], str], dict[Place, tuple[int, str]]] = {}

    # -- names

    def names(self, name: str) -> frozenset[str]:
        """The keys of all names of an entity: those that people have joined as aliases."""
        key = normal(name)
        if key not in self._aliases:
            found, ahead = {key}, [key]
            while ahead and len(found) < _MOST_ALIASES:
                for other in self._alias_beside(ahead.pop()):
                    if other not in found:
                        found.add(other)
                        ahead.append(other)
            together = frozenset(found)
            self._aliases |= dict.fromkeys(together, together)
        return self._aliases[key]

    def _alias_beside(self, key: str) -> Iterator[str]:
        for graph in self._graphs:
            known = graph.relations.find(ALIAS)
            if known is not None:
                for number in (*graph.out(key), *graph.into(key)):
                    if graph.keys_of(number)[1] == ALIAS and self._own_span(graph, number):
                        yield graph.other_end(number, key)

    def _own_span(self, graph: Graph, number: int) -> tuple[int, int] | None:
        """Its span by its own rows, where it is true then; no relation is asked."""
        span, true_at = graph.span(number, self.moment.known_at), self.moment.true_at
        if span is None or (true_at is not None and not span[0] <= true_at < span[1]):
            return None
        return span

    def between(self, one: str, other: str, *relations: str) -> list[Held]:
        """The facts that hold now between two names themselves, either way, of some relations."""
        wanted = {normal(each) for each in relations}
        ends = {normal(one), normal(other)}
        return [
            self.held((index, number))
            for index, graph in enumerate(self._graphs)
            for number in (*graph.out(normal(one)), *graph.into(normal(one)))
            if (keys := graph.keys_of(number))[1] in wanted
            and {keys[0], keys[2]} == ends
            and self.stands((index, number))
        ]

    # -- relations

    def is_functional(self, relation: str) -> bool:
        """True for a relation that has one object at a time: a fact says so, at whatever time."""
        if relation not in self._functional:
            self._functional[relation] = any(
                graph.keys_of(number)[1:] == (IS_A, FUNCTIONAL)
                and graph.span(number, self.moment.known_at) is not None
                for graph in self._graphs
                for number in graph.out(relation)
            )
        return self._functional[relation]

    def declare(self, relation: str) -> None:
        """Look at a relation as one that has one object at a time."""
        self._functional[relation] = True

    def span(self, place: Place) -> tuple[int, int, str | None] | None:
        """From when to when a fact is true, and which fact took its place; None where there is
        none.
        """
        graph = self._graphs[place[0]]
        own = graph.span(place[1], self.moment.known_at)
        if own is None:
            return None
        subject, relation, _ = graph.keys_of(place[1])
        if not self.is_functional(relation):
            return *own, None
        cut_at, by = self._cuts_of(subject, relation).get(place, (_FAR, None))
        begin = _begin(own, graph, place[1])
        return (begin, cut_at, by) if cut_at < own[1] else (begin, own[1], None)

    def _cuts_of(self, subject: str, relation: str) -> dict[Place, tuple[int, str]]:
        """When the facts of a subject and a functional relation give way, and to which fact."""
        names = self.names(subject)
        if (names, relation) not in self._cuts:
            self._cuts[names, relation] = self._find_cuts(names, relation)
        return self._cuts[names, relation]

    def _find_cuts(self, names: frozenset[str], relation: str) -> dict[Place, tuple[int, str]]:
        lined: list[tuple[int, int, str, frozenset[str], Place]] = []
        for place in self._places(names, outward=True):
            graph, number = self._graphs[place[0]], place[1]
            keys, own = graph.keys_of(number), graph.span(number, self.moment.known_at)
            if keys[1] == relation and own is not None:
                fact_id = graph.fact(number).fact_id
                begin = _begin(own, graph, number)
                lined.append((begin, graph.at(number), fact_id, self.names(keys[2]), place))
        lined.sort(key=lambda each: each[:3])
        cuts: dict[Place, tuple[int, str]] = {}
        following: tuple[int, str, frozenset[str]] | None = None  # the next with another object
        for one, after in zip(reversed(lined), [None, *reversed(lined)], strict=False):
            if after is not None and after[3] != one[3]:
                following = after[0], after[2], after[3]
            if following is not None:
                cuts[one[4]] = following[:2]
        return cuts

    # -- facts

    def _places(self, names: Iterable[str], *, outward: bool) -> Iterator[Place]:
        for index, graph in enumerate(self._graphs):
            for key in names:
                for number in graph.out(key) if outward else graph.into(key):
                    yield index, number

    def _all_places(self, name: str) -> list[Place]:
        names = self.names(name)
        out = dict.fromkeys(self._places(names, outward=True))
        return [*out, *(each for each in self._places(names, outward=False) if each not in out)]

    def held(self, place: Place) -> Held:
        """A fact as it stands, also one that is retracted."""
        fact = self._graphs[place[0]].fact(place[1])
        scope = self.view.graphs[place[0]][0]
        span = self.span(place)
        if span is None:
            return Held(fact, scope, fact.valid_from, fact.valid_to, retracted=True)
        return Held(fact, scope, _open(span[0], -_FAR), _open(span[1], _FAR), span[2])

    def stands(self, place: Place) -> bool:
        """True for a fact that is true at the moment."""
        span, true_at = self.span(place), self.moment.true_at
        if span is None:
            return False
        return span[0] < span[1] if true_at is None else span[0] <= true_at < span[1]

    def about(self, name: str, relation: str | None = None) -> list[Held]:
        """The facts of an entity that are true at the moment, the newest first."""
        wanted = None if relation is None else normal(relation)
        found = [
            self.held(place)
            for place in self._all_places(name)
            if (wanted is None or self._graphs[place[0]].keys_of(place[1])[1] == wanted)
            and self.stands(place)
        ]
        return sorted(found, key=lambda each: (-each.fact.at, each.fact.fact_id))

    def history(self, name: str) -> list[Held]:
        """All facts of an entity that were known by then, also those that are over, or retracted,
        the newest first.
        """
        known_at = self.moment.known_at
        found = [
            self.held(place)
            for place in self._all_places(name)
            if known_at is None or self._graphs[place[0]].at(place[1]) <= known_at
        ]
        return sorted(found, key=lambda each: (-each.fact.at, each.fact.fact_id))

    def adjacent(self, key: str) -> Iterator[tuple[str, Place]]:
        """The keys that facts lead to from a key at the moment, and these facts."""
        for index, graph in enumerate(self._graphs):
            for number in (*graph.out(key), *graph.into(key)):
                if self.stands((index, number)):
                    yield graph.other_end(number, key), (index, number)

    def ended_by(self, op: Op) -> list[Held]:
        """The facts that would give way to one that is asserted, as they stand before it."""
        relation = normal(op.relation)
        if not self.is_functional(relation):
            return []
        objects = self.names(op.object)
        begin = op.at if op.valid_from is None else op.valid_from
        return [
            each
            for each in self.about(op.subject, op.relation)
            if normal(each.fact.subject) in self.names(op.subject)
            and normal(each.fact.object) not in objects
            and each.is_true(begin)
        ]


def checked_known(view: View, name: str) -> str:
    """The name as it is shown. Raises: FactError where no fact has it."""
    found = view.shown(name)
    if found is None:
        raise FactError(f"nothing is known of {name!r:.220}; look for it by another name")
    return found


def _begin(own: tuple[int, int], graph: Graph, number: int) -> int:
    """In a functional relation a fact whose begin nobody knows begins when it was learnt: so that
    any two of them have an order.
    """
    return graph.at(number) if own[0] == -_FAR else own[0]


def _open(at: int, open_end: int) -> int | None:
    return None if at == open_end else at
