"""The facts of one owner in memory: the fold of its rows, and who is beside whom.

Facts lie in columns of numbers, so that a hundred thousand take some thirty megabytes. Rows may
come in any order, and twice: the fold of the same rows is the same.
"""

from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from reins.facts.fact import Op
from reins.facts.naming import normal

_OPEN_FROM, _OPEN_TO = -(1 << 62), 1 << 62
_NONE: Sequence[int] = array("i")


class Fact(NamedTuple):
    """A fact as it was asserted. **Units**: microseconds since 1970; None is an open end."""

    fact_id: str
    subject: str
    relation: str
    object: str
    at: int
    valid_from: int | None
    valid_to: int | None
    confidence: float
    source: str


class _Names:
    """Names by number, each kept once, as it was first written, and by its normal form."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.keys: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        key = normal(name)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.keys)
            self.keys.append(key)
            self.shown.append(name if name != key else key)
        return found

    def find(self, key: str) -> int | None:
        return self._numbers.get(key)


class Graph:
    """Entities are found by the normal form of their names (`naming.normal`), called keys here."""

    def __init__(self, ops: Iterable[Op] = ()) -> None:
        self.entities = _Names()
        self.relations = _Names()
        self._sources: list[str] = []
        self._source_numbers: dict[str, int] = {}
        self._ids: list[str] = []
        self._places: dict[str, int] = {}
        self._subject, self._relation = array("i"), array("i")
        self._object, self._source = array("i"), array("i")
        self._at, self._from, self._to = array("q"), array("q"), array("q")
        self._confidence = array("d")
        self._out: dict[int, array[int]] = {}
        self._into: dict[int, array[int]] = {}
        self._ops: dict[str, list[Op]] = {}
        self._source_ops: dict[str, list[Op]] = {}
        self.take(ops)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def size_bytes(self) -> int:
        """Memory that it takes, about."""
        columns = 48 * len(self._ids)
        return columns + 200 * len(self._ids) + 420 * len(self.entities.keys)

    def take(self, ops: Iterable[Op]) -> None:
        """Take rows in, in any order; one that is there already changes nothing."""
        for op in ops:
            if op.op == "assert":
                self._assert(op)
                continue
            beside = self._ops if op.fact_id else self._source_ops
            known = beside.setdefault(op.fact_id or op.source, [])
            if all(each.id != op.id for each in known):
                known.append(op)
                known.sort(key=lambda each: each.order)

    def _assert(self, op: Op) -> None:
        if op.fact_id in self._places:
            return
        number = self._places[op.fact_id] = len(self._ids)
        self._ids.append(op.fact_id)
        subject, object_ = self.entities.number(op.subject), self.entities.number(op.object)
        self._subject.append(subject)
        self._object.append(object_)
        self._relation.append(self.relations.number(op.relation))
        source = self._source_numbers.setdefault(op.source, len(self._sources))
        if source == len(self._sources):
            self._sources.append(op.source)
        self._source.append(source)
        self._at.append(op.at)
        self._from.append(_OPEN_FROM if op.valid_from is None else op.valid_from)
        self._to.append(_OPEN_TO if op.valid_to is None else op.valid_to)
        self._confidence.append(op.confidence)
        self._out.setdefault(subject, array("i")).append(number)
        self._into.setdefault(object_, array("i")).append(number)

    # -- reading

    def out(self, key: str) -> Sequence[int]:
        """The facts whose subject has this name, by number."""
        entity = self.entities.find(key)
        return _NONE if entity is None else self._out.get(entity, _NONE)

    def into(self, key: str) -> Sequence[int]:
        """The facts whose object has this name, by number."""
        entity = self.entities.find(key)
        return _NONE if entity is None else self._into.get(entity, _NONE)

    def place(self, fact_id: str) -> int | None:
        """The number of a fact; None where it is not here."""
        return self._places.get(fact_id)

    def of_source(self, source: str) -> list[int]:
        """The numbers of all facts that were asserted on the word of a source."""
        number = self._source_numbers.get(source)
        if number is None:
            return []
        return [place for place, each in enumerate(self._source) if each == number]

    def fact(self, number: int) -> Fact:
        valid_from, valid_to = self._from[number], self._to[number]
        return Fact(
            self._ids[number],
            self.entities.shown[self._subject[number]],
            self.relations.shown[self._relation[number]],
            self.entities.shown[self._object[number]],
            self._at[number],
            None if valid_from == _OPEN_FROM else valid_from,
            None if valid_to == _OPEN_TO else valid_to,
            self._confidence[number],
            self._sources[self._source[number]],
        )

    def keys_of(self, number: int) -> tuple[str, str, str]:
        """The keys of a fact's subject, relation and object."""
        entities = self.entities.keys
        return (
            entities[self._subject[number]],
            self.relations.keys[self._relation[number]],
            entities[self._object[number]],
        )

    def other_end(self, number: int, key: str) -> str:
        """The key at the other end of a fact."""
        subject = self.entities.keys[self._subject[number]]
        return self.entities.keys[self._object[number]] if subject == key else subject

    def span(self, number: int, known_at: int | None = None) -> tuple[int, int] | None:
        """From when to when a fact is true by its own rows, open ends far away; None where it was
        not known, or is retracted.
        """
        at = self._at[number]
        if known_at is not None and at > known_at:
            return None
        own = self._ops.get(self._ids[number]) if self._ops else None
        of_source = (
            self._source_ops.get(self._sources[self._source[number]]) if self._source_ops else None
        )
        if of_source and _standing(of_source, known_at, since=at):
            return None
        valid_to = self._to[number]
        if own:
            for op in _standing(own, known_at):
                if op.op == "retract":
                    return None
                valid_to = _OPEN_TO if op.valid_to is None else op.valid_to
        return self._from[number], valid_to

    def at(self, number: int) -> int:
        """When a fact was learnt."""
        return self._at[number]

    def changes(self, fact_id: str, source: str) -> list[Op]:
        """The rows that end, retract or restore a fact, or all of its source, in their order."""
        found = [*self._ops.get(fact_id, ()), *self._source_ops.get(source, ())]
        return sorted(found, key=lambda each: each.order)

    def standing_changes(self, fact_id: str) -> list[Op]:
        """The ends and retractions of a fact that nothing has taken back, in their order."""
        return _standing(self._ops.get(fact_id, ()), None)

    def is_retracted_source(self, source: str) -> bool:
        """True where the newest word about a source is its retraction."""
        return bool(_standing(self._source_ops.get(source, ()), None))


def _standing(ops: Iterable[Op], known_at: int | None, since: int | None = None) -> list[Op]:
    """Ends and retractions that no restore after them has taken back; each takes back the newest.

    `since`: rows from before a fact was learnt say nothing about it.
    """
    found: list[Op] = []
    for op in ops:
        if (known_at is not None and op.at > known_at) or (since is not None and op.at < since):
            continue
        if op.op != "restore":
            found.append(op)
        elif found:
            found.pop()
    return found
