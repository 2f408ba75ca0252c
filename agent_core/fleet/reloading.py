"""A reload, as far as it concerns live sessions: newer code, and routes that they name."""

import asyncio
from collections.abc import Collection, Iterable
from typing import Any

from agent_core.agent.registry import AgentTypes
from agent_core.session.controls import Renew, unanswered
from agent_core.session.session import Session

_SHOWN = 5  # sessions that an error names


async def renew(
    sessions: Iterable[Session], types: AgentTypes, changed: Collection[str], limit_s: float
) -> None:
    """Let sessions of the changed types go on with the new code.

    Returns when those that do not work at the moment do so, `limit_s` at the most; the others
    follow at their next safe point. A session that cannot take the new code says so in its log and
    keeps the old.
    """
    waits: list[asyncio.Future[Any]] = []
    for session in sessions:
        kind = types.get(session.agent_type)
        if session.agent_type in changed and kind is not None:
            control = Renew("", "reload", unanswered(), kind)
            if not session.scope.busy:
                waits.append(control.done)
            session.deliver(control)
    if waits:
        await asyncio.wait(waits, timeout=limit_s)


def missing_routes(sessions: Iterable[Session], there: Collection[str]) -> str | None:
    """The reason why these model routes, and no others, would not do; None: they would."""
    users: dict[str, list[str]] = {}
    for session in sessions:
        route = session.route
        if route is not None and route not in there:
            users.setdefault(route, []).append(session.session_id)
    if not users:
        return None
    gone = "; ".join(f"{route!r} by {_some(ids)}" for route, ids in sorted(users.items()))
    return (
        f"model routes are gone that sessions name: {gone}. "
        "Put them back into the models' file, or destroy these sessions first."
    )


def _some(ids: list[str]) -> str:
    """A few of them, and how many there are."""
    shown = ", ".join(sorted(ids)[:_SHOWN])
    return f"{shown} and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else shown
