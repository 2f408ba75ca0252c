"""Limits and spending of sessions, in the shape that the page shows."""

from collections.abc import Mapping
from typing import Any, Literal

from agent_core.budgets.days import taken_on
from agent_core.budgets.enough import enough, next_call
from agent_core.budgets.limits import Scope, What
from reins.web.views.rows import Wire


class Held(Wire):
    """A limit that a session waits at; `text` is what its log says of it.

    `needs`: what the next call may need of it, 0 where nobody knows. `raise_to`: a limit with room
    for a useful while beyond what is spent and what the next call needs. The scope `worker` is a
    limit of the settings, for all sessions of a day together.
    """

    scope: Literal[Scope, "worker"]
    what: What
    limit: float
    spent: float
    text: str
    needs: float
    raise_to: float


class Amounts(Wire):
    """Ticks, tokens in and out together, US dollars, seconds in ticks; null: none, or not known."""

    ticks: int | None
    tokens: int | None
    cost_usd: float | None
    wall_s: float | None


class ScopeBudget(Wire):
    """One scope's limits, and what was taken of it: by the session, by all sessions of its agent or
    of its tree, or by the session on this day (UTC). `spent` is null where only the worker knows.
    """

    scope: Scope
    limits: Amounts
    spent: Amounts | None


def held_row(held: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """In the shape of `Held`, from a snapshot."""
    if held is None:
        return None
    told = {name: held[name] for name in ("scope", "what", "limit", "spent", "text")}
    return told | {"needs": next_call(held), "raise_to": enough(held)}


def budget_rows(
    snapshot: Mapping[str, Any],
    agent: tuple[Mapping[str, Any], Mapping[str, Any]] | None,
    tree: tuple[Mapping[str, Any], Mapping[str, Any]] | None,
    today: str,
) -> list[dict[str, Any]]:
    """One in the shape of `ScopeBudget` for each scope, from a session's snapshot.

    `agent` and `tree` are what all sessions of its agent, and of its tree, may take and have taken;
    where that is not known here, the limits are those of which the snapshot knows. A session that
    stands alone has no tree.
    """
    limits, usage = snapshot.get("limits") or {}, snapshot.get("usage") or {}
    own = {**usage, "tokens": usage.get("tokens_in", 0) + usage.get("tokens_out", 0)}
    agent_limits, agent_spent = agent or ((limits.get("agent") or {}).get("limits"), None)
    tree_limits, tree_spent = tree or ((limits.get("tree") or {}).get("limits"), None)
    in_tree = tree_limits or snapshot.get("lineage") is not None
    return [
        budget_row("session", limits.get("session"), own),
        budget_row("agent", agent_limits, agent_spent),
        *([budget_row("tree", tree_limits, tree_spent)] if in_tree else []),
        budget_row("day", limits.get("day"), taken_on(usage, today)),
    ]


def budget_row(
    scope: str, limits: Mapping[str, Any] | None, spent: Mapping[str, Any] | None
) -> dict[str, Any]:
    return {
        "scope": scope,
        "limits": _amounts(limits or {}),
        "spent": None if spent is None else _amounts(spent),
    }


def _amounts(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given.get(name) for name in Amounts.model_fields}
