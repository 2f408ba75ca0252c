"""The bounds that a new fact, or the end of one, must meet, whoever says so."""

from reins.facts.asking import shown_time
from reins.facts.fact import Op, Scope, asserted
from reins.facts.facts import MAX_FACTS
from reins.facts.naming import FUNCTIONAL, IS_A, FactError
from reins.facts.view import View


def check_room(view: View, scope: Scope, more: int) -> None:
    """Raises: FactError where a scope has no room for so many facts more."""
    held = sum(len(graph) for each, graph in view.graphs if each == scope)
    if held + more > MAX_FACTS:
        raise FactError(
            f"the scope {scope} holds {held:,} facts, {MAX_FACTS:,} at the most; rows are never "
            "taken away, so keep what is many in a document or a table"
        )


def check_end(begin: int | None, end: int | None) -> None:
    """Raises: FactError where a fact would end before it begins. **Units**: microseconds."""
    if begin is not None and end is not None and end <= begin:
        raise FactError(
            f"the fact begins at {shown_time(begin)}, and would end at {shown_time(end)}; retract "
            "one that was never true"
        )


def declared(op_id: str, at: int, of: Op) -> Op:
    """The fact that declares the relation of another to have one object at a time."""
    return asserted(
        op_id, at, of.relation, IS_A, FUNCTIONAL, source=of.source, scope=of.scope, place=of.place
    )
