"""Hearing topics: a session of any type whose configuration has `on` takes messages as guidance."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from agent_core.agent.base import AgentBase


class Listening:
    """Lets sessions hear topics; the room of topics hands in what it does.

    `begin` gives the place from which a new session reads (`Session.reading`), `hear` gives it
    messages for as long as its context lasts.
    """

    def __init__(
        self,
        begin: Callable[[AgentBase], Awaitable[dict[str, Any]]],
        hear: Callable[[AgentBase], AbstractContextManager[object]],
    ) -> None:
        self.begin = begin
        self.hear = hear


def _listens(agent: AgentBase) -> bool:
    return bool(agent.config.on) and not agent.receives


async def begin(agent: AgentBase) -> None:
    """A new session reads its topics from here on. Raises: AgentRejectedError."""
    if _listens(agent):
        agent.session.reading = await agent.services.get(Listening).begin(agent)


def hearing(agent: AgentBase) -> AbstractContextManager[object]:
    """The agent's session hears its topics within this; nothing, where it listens to none."""
    return agent.services.get(Listening).hear(agent) if _listens(agent) else _NOTHING


_NOTHING: AbstractContextManager[object] = nullcontext()
