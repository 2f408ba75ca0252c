"""Changes of facts as rows of their table, and back."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from reins.facts.fact import Op, Place, Scope
from store import facts
from store.journal.file import Record
from store.times import to_us

_PLACE = ("seq", "call_id", "message_id", "document", "actor")


class Owner(NamedTuple):
    """Whose facts: of a life of a session, of an agent, or of all. **Units**: `life` is
    microseconds since 1970.
    """

    scope: Scope
    id: str = ""
    agent_id: str = ""
    life: int | None = None


SHARED = Owner("shared")


def of_agent(agent_id: str) -> Owner:
    """The owner of what all sessions of an agent know."""
    return Owner("agent", agent_id, agent_id)


def of_session(session_id: str, agent_id: str, created_at: int) -> Owner:
    """The owner of what this life of a session knows alone."""
    return Owner("session", session_id, agent_id, created_at)


def owner_of(row: Mapping[str, Any]) -> Owner:
    """Whose a stored row is."""
    if row["scope"] == "shared":
        return SHARED
    if row["scope"] == "agent":
        return of_agent(row["agent_id"])
    return of_session(row["session_id"], row["agent_id"], _us(row["life"]))


def record_of(op: Op, owner: Owner, by: Owner, seq: int | None) -> Record:
    """The journal's record of a change that is committed with the row `seq` of a session's log, or
    with none. `by`: the session that says so; of a person's change the owner itself.
    """
    line = asdict(op)
    line |= line.pop("place") | {"seq": seq, "scope": owner.scope}
    session_id = by.id if by.scope == "session" else ""
    line |= {"session_id": session_id, "agent_id": by.agent_id, "life": by.life}
    line["op_id"] = line.pop("id")
    if op.op != "assert":
        line |= {"subject": None, "relation": None, "object": None, "confidence": None}
    return facts.record(line)


def ops_from(rows: Iterable[Mapping[str, Any]]) -> Iterable[Op]:
    """The changes of which these rows of the table were made."""
    for row in rows:
        yield Op(
            id=row["op_id"],
            op=row["op"],
            at=_us(row["at"]),
            fact_id=row["fact_id"] or "",
            subject=row["subject"] or "",
            relation=row["relation"] or "",
            object=row["object"] or "",
            valid_from=_us_or_none(row["valid_from"]),
            valid_to=_us_or_none(row["valid_to"]),
            confidence=1.0 if row["confidence"] is None else row["confidence"],
            source=row["source"] or "",
            text=row["text"] or "",
            scope=row["scope"],
            place=Place(**{name: row[name] for name in _PLACE}),
        )


def rows_of(owner: Owner, after: int, store: Any) -> list[dict[str, Any]]:
    """The rows of an owner after `journal_n` `after`, as they were written."""
    if owner.scope != "session":
        agent_id = owner.id if owner.scope == "agent" else None
        return facts.list_facts(agent_id=agent_id, scope=owner.scope, after=after, store=store)
    found = facts.list_facts(owner.id, scope="session", after=after, store=store)
    return [row for row in found if row["life"] is not None and _us(row["life"]) == owner.life]


def _us_or_none(at: datetime | int | None) -> int | None:
    return None if at is None else _us(at)


def _us(at: datetime | int) -> int:
    """A stored time, or a journalled one."""
    return at if isinstance(at, int) else to_us(at)
