"""Helpers of saved views, searches and templates, which all who open the page share."""

from typing import Any, Literal

from agent_core.actions.action import create_action
from agent_core.actions.ids import checked_id
from reins.sending import send
from store import saved


def view_save(
    name: str,
    actor: str,
    content: dict[str, Any] | None,
    *,
    kind: Literal["view", "search", "template"] = "view",
    action_id: str | None = None,
) -> str:
    """Save a view of the session list, a search or a template, for all; None as `content` removes
    it.

    A view or a search is `{"query": …}`, as in the page's address; a template is `{"agent_type":
    …, "config": {…}, "description": …}`.
    """
    action = create_action(
        "view_save",
        actor,
        action_id=action_id,
        name=checked_id(name, "name"),
        kind=kind,
        content=content,
    )
    return send(action, new=action_id is None)


def saved_views(kind: str | None = None) -> list[dict[str, Any]]:
    """All that is saved of a kind (`view`, `search`, `template`), or of all, by kind and name."""
    return saved.list_saved(kind)
