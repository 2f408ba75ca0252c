"""The helpers by which people assert facts, end and retract them, and look at what is known."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from agent_core.actions.facts import (
    MAX_SOURCE_CHARS,
    MAX_TEXT_CHARS,
    MAX_TIME_CHARS,
    checked_part,
    checked_share,
)
from agent_core.actions.ids import ActionError, known_id
from reins.sending import ask
from store import agents_config
from store.agent_state import get_agent_state
from store.facts import list_facts
from store.reading import reader
from store.times import now_us, to_us

if TYPE_CHECKING:
    from reins.facts.rows import Owner
    from reins.facts.view import Seen

Scope = Literal["session", "agent", "shared"]


def fact_remember(
    subject: str,
    relation: str,
    object: str,  # noqa: A002 - the third part of a fact has no other name
    actor: str,
    *,
    valid_from: str | None = None,
    valid_to: str | None = None,
    confidence: float = 1.0,
    source: str | None = None,
    document: str | None = None,
    text: str = "",
    functional: bool = False,
    scope: Scope = "shared",
    agent_id: str | None = None,
    session_id: str | None = None,
    action_id: str | None = None,
) -> str:
    """Ask that a fact is held by all, by an agent or by a session; its id is the action's.

    `source`: on whose word, without it the document's or the actor's. `functional`: the relation
    has one object at a time from now on, so that a newer fact ends the older. Raises: ActionError.
    """
    return ask(
        "fact_remember",
        actor,
        action_id=action_id,
        **_whose(scope, agent_id, session_id),
        subject=checked_part(subject, "subject"),
        relation=checked_part(relation, "relation"),
        object=checked_part(object, "object"),
        valid_from=_time(valid_from, "valid_from"),
        valid_to=_time(valid_to, "valid_to"),
        confidence=checked_share(confidence),
        source=None if source is None else checked_part(source, "source", MAX_SOURCE_CHARS),
        document=None if document is None else checked_part(document, "document", MAX_SOURCE_CHARS),
        text=_text(text),
        functional=functional or None,
    )


def fact_end(
    fact_id: str,
    actor: str,
    at: str | None = None,
    text: str = "",
    *,
    action_id: str | None = None,
) -> str:
    """Ask that a fact is true no longer, from `at` on; without it from now on."""
    return ask(
        "fact_end", actor, action_id=action_id, fact_id=known_id(fact_id, "fact_id"),
        at=_time(at, "at"), text=_text(text),
    )  # fmt: skip


def fact_retract(
    actor: str,
    fact_id: str | None = None,
    *,
    source: str | None = None,
    text: str = "",
    action_id: str | None = None,
) -> str:
    """Ask that a fact, or all that rests on the word of a `source` alone, was never so.

    The receipt has the number of facts as `applied_seq`. What another source says, too, stands on
    its word.
    """
    return ask(
        "fact_retract", actor, action_id=action_id, **_fact_or_source(fact_id, source),
        text=_text(text),
    )  # fmt: skip


def fact_restore(
    actor: str,
    fact_id: str | None = None,
    *,
    source: str | None = None,
    text: str = "",
    action_id: str | None = None,
) -> str:
    """Ask that the newest end or retraction of a fact, or that of a `source`, is taken back."""
    return ask(
        "fact_restore", actor, action_id=action_id, **_fact_or_source(fact_id, source),
        text=_text(text),
    )  # fmt: skip


def alias_decide(
    name: str,
    other: str,
    actor: str,
    decision: Literal["same", "different"],
    text: str = "",
    *,
    scope: Scope = "shared",
    agent_id: str | None = None,
    session_id: str | None = None,
    action_id: str | None = None,
) -> str:
    """Decide whether two names are of one entity; what was decided before gives way."""
    if decision not in ("same", "different"):
        raise ActionError(f"decision is {decision!r:.40}; expected same or different")
    return ask(
        "alias_decide",
        actor,
        action_id=action_id,
        **_whose(scope, agent_id, session_id),
        name=checked_part(name, "name"),
        other=checked_part(other, "other"),
        decision=decision,
        text=_text(text),
    )


def facts_about(
    name: str,
    *,
    history: bool = False,
    agent_id: str | None = None,
    session_id: str | None = None,
    true_at: str | None = None,
    known_at: str | None = None,
) -> dict[str, Any]:
    """All that is held about an entity: `names`, `facts`, and `near`, names that may mean the same.

    Of all, of an agent with all, or of a session with both. `history`: all facts that were ever
    held; else those that are true at `true_at` (now), as far as it was known at `known_at` (now).
    Raises: ValueError.
    """
    from reins.facts import asking, naming, near  # noqa: PLC0415 - for those who ask

    with _seen(agent_id, session_id, None if history else true_at or "now", known_at) as found:
        seen, beside = found
        told = asking.about(seen, name, history=history)
        return told | {"near": near.near_names(seen, beside, naming.normal(name))}


def fact_neighbours(
    name: str,
    relation: str | None = None,
    *,
    agent_id: str | None = None,
    session_id: str | None = None,
    true_at: str | None = None,
    known_at: str | None = None,
) -> list[dict[str, Any]]:
    """The entities that one fact leads to, each with the fact. Raises: ValueError."""
    from reins.facts import asking  # noqa: PLC0415

    with _seen(agent_id, session_id, true_at or "now", known_at) as (seen, _):
        return asking.neighbours(seen, name, relation)


def fact_path(
    start: str,
    goal: str,
    steps: int = 6,
    *,
    agent_id: str | None = None,
    session_id: str | None = None,
    true_at: str | None = None,
    known_at: str | None = None,
) -> dict[str, Any] | None:
    """A shortest chain of facts between two entities, as `names` and `facts`; None where there is
    none. Raises: ValueError.
    """
    from reins.facts import asking  # noqa: PLC0415

    with _seen(agent_id, session_id, true_at or "now", known_at) as (seen, _):
        return asking.path_between(seen, start, goal, steps)


def fact_why(fact_id: str) -> dict[str, Any]:
    """A fact, on whose word it rests, and all that was said about it since. Raises: ValueError."""
    from reins.facts import asking  # noqa: PLC0415
    from reins.facts.following import followed_facts  # noqa: PLC0415
    from reins.facts.rows import owner_of  # noqa: PLC0415

    rows = list_facts(fact_id=known_id(fact_id, "fact_id"))
    owner = next((owner_of(row) for row in rows if row["op"] == "assert"), None)
    if owner is None:
        raise ValueError(f"there is no fact {fact_id!r:.80}; facts_about(name) gives the ids")
    with followed_facts(reader()).looking(owner) as (view, _):
        return asking.told_of(view, fact_id, rows)


@contextmanager
def _seen(
    agent_id: str | None, session_id: str | None, true_at: str | None, known_at: str | None
) -> Iterator["tuple[Seen, Any]"]:
    from reins.facts.fact import Moment, when  # noqa: PLC0415
    from reins.facts.following import followed_facts  # noqa: PLC0415

    at = now_us() if true_at == "now" else when(true_at, "true_at")
    moment = Moment(at, when(known_at, "known_at"))
    with followed_facts(reader()).looking(*_owners(agent_id, session_id)) as (view, beside):
        yield view.at(moment), beside


def _owners(agent_id: str | None, session_id: str | None) -> "tuple[Owner, ...]":
    from reins.facts.facts import owners_of  # noqa: PLC0415
    from reins.facts.rows import SHARED, of_agent, of_session  # noqa: PLC0415

    if session_id is None:
        return (SHARED,) if agent_id is None else (of_agent(agent_id), SHARED)
    config = agents_config.get_agent_config(agents_config.as_stored(session_id))
    state = None if config is None else get_agent_state(config["agent_id"], config["session_id"])
    if state is None or agent_id not in (None, state["agent_id"]):
        raise ValueError(f"there is no such session {session_id!r:.160}; check the ids")
    own = of_session(state["session_id"], state["agent_id"], to_us(state["created_at"]))
    return owners_of(own)


def _whose(scope: Scope, agent_id: str | None, session_id: str | None) -> dict[str, Any]:
    if scope not in ("session", "agent", "shared"):
        raise ActionError(f"scope is {scope!r:.40}; expected session, agent or shared")
    if (agent_id is None) != (scope == "shared"):
        raise ActionError(
            f"agent_id is {agent_id!r:.80} with the scope {scope}; facts that all share have none, "
            "any others have one"
        )
    if session_id is not None and scope != "session":
        raise ActionError(f"session_id goes with the scope session, given {scope}")
    return {"scope": scope, "agent_id": agent_id, "session_id": session_id}


def _fact_or_source(fact_id: str | None, source: str | None) -> dict[str, Any]:
    if (fact_id is None) == (source is None):
        raise ActionError("give either fact_id or source")
    if fact_id is not None:
        return {"fact_id": known_id(fact_id, "fact_id")}
    return {"source": checked_part(source, "source", MAX_SOURCE_CHARS)}


def _time(value: str | None, name: str) -> str | None:
    return None if value is None else checked_part(value, name, MAX_TIME_CHARS)


def _text(value: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT_CHARS:
        raise ActionError(f"text is {value!r:.80}; expected {MAX_TEXT_CHARS} characters at most")
    return value
