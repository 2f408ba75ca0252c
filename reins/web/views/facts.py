"""Facts as the API shows them."""

from typing import Any, Literal

from reins.web.views.rows import Wire


class FactShown(Wire):
    """A fact as it stands: from when to when it is true, null where that is open, and when it was
    learnt.

    `source`: on whose word. `ended_by`: the fact that took its place, since its relation has one
    object at a time. `retracted`: it was never so, and stands in histories alone.
    """

    fact_id: str
    subject: str
    relation: str
    object: str
    valid_from: str | None
    valid_to: str | None
    learnt: str
    source: str
    confidence: float
    scope: Literal["session", "agent", "shared"]
    ended_by: str | None
    retracted: bool


class FactRow(FactShown):
    """A fact with where it comes from: the session and the row of its log, or the action of a
    person; the key of the call; the document.
    """

    session_id: str | None
    agent_id: str | None
    seq: int | None
    call_id: str | None
    message_id: str | None
    document: str | None
    actor: str | None
    text: str


class FactList(Wire):
    """A page of facts, the newest first."""

    items: list[FactRow]
    next_cursor: str | None


class EntityShown(Wire):
    """An entity: its names, its facts, the newest first, and how many `more` there are.

    `near`: names that may mean the same, and about which nobody has decided.
    """

    name: str
    names: list[str]
    facts: list[FactShown]
    more: int
    near: list[str]


class NeighbourShown(Wire):
    """An entity that a fact leads to; `outward`: it is the fact's object."""

    name: str
    outward: bool
    fact: FactShown


class NeighbourList(Wire):
    """The entities that one fact leads to, those of the newest facts first."""

    items: list[NeighbourShown]
    next_cursor: None


class PathShown(Wire):
    """A shortest chain of facts, and the names at its joints; both empty where there is none."""

    names: list[str]
    facts: list[FactShown]


class ChangeShown(Wire):
    """A change of a fact, or of all of its source, after it was asserted.

    `valid_to`: of an end, when it is over.
    """

    op: Literal["end", "retract", "restore"]
    op_id: str
    at: str
    text: str
    source: str | None
    valid_to: str | None
    seq: int | None
    call_id: str | None
    actor: str | None


class WhyShown(Wire):
    """A fact, where it comes from, what was said about it since, and who says the same."""

    fact: FactRow
    changes: list[ChangeShown]
    also_said: list[FactShown]


_FACT = tuple(FactShown.model_fields)
_PLACE = ("seq", "call_id", "message_id", "document", "actor")


def fact_shown(told: dict[str, Any]) -> dict[str, Any]:
    """Of an answer of `reins.facts.asking`."""
    return {"ended_by": None, "retracted": False} | {n: told[n] for n in _FACT if n in told}


def fact_row(told: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """The same with the parts of its stored row."""
    return {
        **fact_shown(told),
        **{name: row[name] for name in _PLACE},
        "session_id": row["session_id"] or None,
        "agent_id": row["agent_id"] or None,
        "text": row["text"] or "",
    }


def change_shown(told: dict[str, Any]) -> dict[str, Any]:
    return {name: told.get(name) for name in ChangeShown.model_fields}
