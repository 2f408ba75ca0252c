"""The tree of a session: its parents and children, who holds it up, the tasks of their plans."""

from typing import Any

import orjson

from reins.web.api.context import api_context
from reins.web.api.paths import SessionPath
from reins.web.api.sessions.read import seen
from reins.web.http.openapi import group
from reins.web.http.problem import refusals
from reins.web.views import tree
from reins.web.views.budgets import ScopeBudget, budget_row
from reins.web.views.rows import Wire
from reins.web.views.sessions import SessionSummary
from store import agent_state, agents_config

api = group("tree", "sessions")


class Tree(Wire):
    """A tree of sessions, parents before their children.

    `holds_up` are those that wait for somebody; `stands_still`: nothing of it goes on by itself.
    `plans` has a board for each session with tasks, `shared_files` what several have changed.
    `budget` is that of the whole tree, `cost_usd` what all of it took.
    """

    root_session_id: str
    sessions: list[SessionSummary]
    holds_up: list[tree.HoldsUp]
    stands_still: bool
    plans: list[tree.TaskBoard]
    shared_files: list[tree.SharedFile]
    budget: ScopeBudget
    cost_usd: float


@api.get("/api/sessions/<segment:session_id>/tree", responses={200: Tree, **refusals(404)})
def get_tree(path: SessionPath) -> dict[str, Any]:
    """The whole tree in which a session stands; of one that stands alone, itself."""
    context = api_context()
    session = seen(context, path.session_id)
    root = session["root_session_id"] or path.session_id
    # Created anew since, it is in its old tree by its children alone.
    sessions = tree.in_order([*context.index.tree(root), session])
    held_up = tree.holds_up(sessions)
    states = [
        (each["session_id"], _state_of(each["agent_id"], each["session_id"])) for each in sessions
    ]
    return {
        "root_session_id": root,
        "sessions": sessions,
        "holds_up": held_up,
        "stands_still": tree.stands_still(sessions, held_up),
        "plans": tree.boards(states, sessions, _config_of),
        "shared_files": tree.shared_files(states),
        "budget": budget_row("tree", *(context.bridge.account_of_tree(root) or ({}, None))),
        "cost_usd": sum(each["cost_usd"] for each in sessions),
    }


def _state_of(agent_id: str, session_id: str) -> dict[str, Any]:
    row = agent_state.get_agent_state(agent_id, session_id, store=api_context().bridge.store)
    state: dict[str, Any] = orjson.loads((row or {}).get("context") or "{}")
    return state


def _config_of(session_id: str) -> dict[str, Any]:
    row = agents_config.get_agent_config(session_id, store=api_context().bridge.store)
    config: dict[str, Any] = orjson.loads((row or {}).get("config") or "{}")
    return config
