"""Questions about facts, answered as plain values; and what a change must meet."""

from collections import Counter
from typing import Any

from reins.facts.fact import NOWHERE, Op, OpKind, Place, Scope, checked_source, checked_text
from reins.facts.graph import Graph
from reins.facts.naming import FactError, normal
from reins.facts.paths import path
from reins.facts.view import Held, Seen, View, checked_known
from reins.threads import READS
from store.facts import list_facts
from store.reading import Reader
from store.times import iso

_MOST = 1_000
"""Facts of one answer."""


def shown_time(at: int | None) -> str | None:
    """A time as answers have it."""
    return iso(at)


def shown(held: Held) -> dict[str, Any]:
    """A fact as answers have it; what goes without saying is left out."""
    fact = held.fact
    told: dict[str, Any] = {
        "fact_id": fact.fact_id, "subject": fact.subject, "relation": fact.relation,
        "object": fact.object, "valid_from": iso(held.valid_from),
        "valid_to": iso(held.valid_to), "learnt": iso(fact.at), "source": fact.source,
        "confidence": fact.confidence, "scope": held.scope,
    }  # fmt: skip
    if held.ended_by is not None:
        told["ended_by"] = held.ended_by
    if held.retracted:
        told["retracted"] = True
    return told


def about(seen: Seen, name: str, *, history: bool = False) -> dict[str, Any]:
    """An entity: all its names, and its facts. Raises: FactError where nothing is known of it."""
    first = checked_known(seen.view, name)
    names = {first, *(seen.view.shown(each) or each for each in seen.names(name))}
    found = seen.history(name) if history else seen.about(name)
    return {
        "name": first,
        "names": sorted(names),
        "facts": [shown(each) for each in found[:_MOST]],
        "more": max(0, len(found) - _MOST),
    }


def neighbours(seen: Seen, name: str, relation: str | None) -> list[dict[str, Any]]:
    """The entities that one fact leads to. Raises: FactError where nothing is known of it."""
    checked_known(seen.view, name)
    names, found = seen.names(name), []
    for each in seen.about(name, relation)[:_MOST]:
        outward = normal(each.fact.subject) in names
        other = each.fact.object if outward else each.fact.subject
        found.append({"name": other, "outward": outward, **shown(each)})
    return found


def path_between(seen: Seen, start: str, goal: str, steps: int) -> dict[str, Any] | None:
    """A shortest chain, as `names` and `facts`. Raises: FactError."""
    for name in (start, goal):
        checked_known(seen.view, name)
    found = path(seen, start, goal, steps)
    if found is None:
        return None
    return {"names": found.names, "facts": [shown(each) for each in found.facts]}


async def why(view: View, fact_id: str, reader: Reader) -> dict[str, Any]:
    """A fact, its source and place, and all that was said about it since. Raises: FactError."""
    found(view, fact_id)
    rows = await READS.call(list_facts, fact_id=fact_id, store=reader)
    return told_of(view, fact_id, rows)


def told_of(view: View, fact_id: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The same of the rows of the fact. Raises: FactError."""
    _, graph, number = found(view, fact_id)
    index = [each for _, each in view.graphs].index(graph)
    fact, seen = graph.fact(number), view.at()
    place = index, number
    own = next((row for row in rows if row["op"] == "assert"), {})
    others = [
        shown(each)
        for each in seen.about(fact.subject, fact.relation)
        if normal(each.fact.object) in seen.names(fact.object) and each.fact.fact_id != fact_id
    ]
    return {
        **shown(seen.held(place)),
        "text": own.get("text") or "",
        "from": {
            name: own[name]
            for name in ("session_id", "seq", "call_id", "message_id", "document", "actor")
            if own.get(name)
        },
        "changes": [_told(op) for op in graph.changes(fact_id, fact.source)],
        "also_said": others,
    }


def _told(op: Op) -> dict[str, Any]:
    told: dict[str, Any] = {"op": op.op, "op_id": op.id, "at": iso(op.at), "text": op.text}
    if op.op == "end":
        told["valid_to"] = iso(op.valid_to)
    if not op.fact_id:
        told["source"] = op.source
    place = {"seq": op.place.seq, "actor": op.place.actor, "call_id": op.place.call_id}
    return told | {name: value for name, value in place.items() if value}


# -- what a change must meet


def found(view: View, fact_id: str) -> tuple[Scope, Graph, int]:
    """Where a fact is. Raises: FactError."""
    there = view.find(fact_id)
    if there is None:
        raise FactError(
            f"there is no fact {fact_id!r:.80} to be seen here; about(name) gives the ids of facts"
        )
    return there


def check_switch(view: View, op: OpKind, fact_id: str) -> None:
    """Refuse what would change nothing. Raises: FactError."""
    _, graph, _ = found(view, fact_id)
    standing = graph.standing_changes(fact_id)
    if op == "restore" and not standing:
        raise FactError(f"fact {fact_id} is neither ended nor retracted; nothing to restore")
    if op != "restore" and any(each.op == "retract" for each in standing):
        raise FactError(f"fact {fact_id} is retracted already; restore it first")


def of_source(
    view: View | None, op: OpKind, source: str, scope: Scope | None = None
) -> dict[Scope, int]:
    """The scopes that have facts on the word of a source, and how many. Raises: FactError."""
    checked_source(source)
    if view is None:
        return {scope or "session": 0}
    counted: Counter[Scope] = Counter()
    for each, graph in view.graphs:
        if scope in (None, each) and (op == "restore") == graph.is_retracted_source(source):
            counted[each] = len(graph.of_source(source))
    told = {each: count for each, count in counted.items() if count}
    if not told:
        state = "a retracted source" if op == "restore" else "the source of a fact that stands"
        raise FactError(f"{source!r:.80} is not {state} here; about(name) gives sources")
    return told


def change(
    op_id: str,
    kind: OpKind,
    at: int,
    scope: Scope,
    *,
    fact_id: str = "",
    source: str = "",
    text: str = "",
    valid_to: int | None = None,
    place: Place = NOWHERE,
) -> Op:
    """The row that ends, retracts or restores. Raises: FactError."""
    return Op(
        id=op_id, op=kind, at=at, fact_id=fact_id, source=source, text=checked_text(text),
        valid_to=valid_to, scope=scope, place=place,
    )  # fmt: skip
