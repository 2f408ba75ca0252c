"""The actions that create sessions: one, or many that are checked together."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from agent_core.actions.action import create_action
from agent_core.actions.ids import ActionError, checked_id
from store import agents_config

Row = dict[str, Any]


def creation(
    agent_id: str,
    actor: str,
    initial_subject: str | None = None,
    *,
    agent_type: str = "joke",
    session_id: str | None = None,
    config: dict[str, Any] | None = None,
    urgency: int | None = None,
    description: str | None = None,
    metadata: dict[str, Any] | None = None,
    action_id: str | None = None,
) -> Row:
    """The action that asks for a new session; it is not written. Raises: ActionError."""
    if config is not None and not isinstance(config, dict):
        raise ActionError(f"config is {config!r:.80}; expected a dict or None")
    return create_action(
        "create_agent",
        actor,
        agent_id=_as_stored(agent_id),
        session_id=_as_stored(session_id),
        urgency=urgency,
        description=description,
        metadata=metadata,
        action_id=action_id,
        initial_subject=initial_subject,
        agent_type=checked_id(agent_type, "agent_type"),
        config=config,
    )


_ENTRY = tuple(inspect.signature(creation).parameters)
"""The names that an entry may have: the arguments of a creation."""


def creations(entries: Iterable[Mapping[str, Any]], actor: str | None = None) -> list[Row]:
    """The actions that ask for many new sessions, one for each entry, in order.

    An entry holds the arguments of `creation` by name; `actor` is that of entries without one.
    Raises: ActionError naming the first entry that cannot be, counted from 0.
    """
    rows: list[Row] = []
    places: dict[tuple[str, str], int] = {}
    for number, entry in enumerate(entries):
        row = _entry(number, entry, actor)
        rows.append(row)
        for name in ("session_id", "action_id"):
            before = places.setdefault((name, row[name]), number)
            if before != number:
                raise _unfit(
                    number, f"{name} is {row[name]!r}, as in entry {before}; name each once"
                )
    return rows


def _entry(number: int, entry: object, actor: str | None) -> Row:
    if not isinstance(entry, Mapping):
        raise _unfit(number, f"it is {entry!r:.80}; expected a dict of {', '.join(_ENTRY)}")
    if unknown := [name for name in entry if name not in _ENTRY]:
        raise _unfit(number, f"{unknown[0]!r:.80} is none of {', '.join(_ENTRY)}")
    given = entry if actor is None else {"actor": actor, **entry}
    if missing := [name for name in ("agent_id", "actor") if name not in given]:
        raise _unfit(number, f"{missing[0]} is missing")
    try:
        return creation(**given)
    except ActionError as error:
        raise _unfit(number, str(error)) from None


def _as_stored(given: Any) -> Any:
    return agents_config.as_stored(given) if isinstance(given, str) else given


def _unfit(number: int, why: str) -> ActionError:
    return ActionError(f"entry {number}: {why}. Nothing was sent")
