"""Hearing topics: a session of any type whose configuration has `on` takes messages as guidance."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from agent_core.agent.base import AgentBase
from store.journal.file import Record


class Listening:
    """Lets sessions hear topics; the room of topics hands in what it does.

    `begin` gives the place from which a new session reads (`Session.reading`), `hear` gives it
    messages for as long as its context lasts, and lets what else it names wake it. `look`: it goes
    on that was paused. `closing` gives the rows that go with its last one.
    """

    def __init__(
        self,
        begin: Callable[[AgentBase], Awaitable[dict[str, Any]]],
        hear: Callable[[AgentBase], AbstractContextManager[object]],
        look: Callable[[AgentBase], object],
        closing: Callable[[AgentBase], Sequence[Record]],
    ) -> None:
        self.begin = begin
        self.hear = hear
        self.look = look
        self.closing = closing


def _listens(agent: AgentBase) -> bool:
    return bool(agent.config.on) and not agent.receives


async def begin(agent: AgentBase) -> None:
    """A new session reads its topics from here on. Raises: AgentRejectedError."""
    if _listens(agent):
        agent.session.reading = await agent.services.get(Listening).begin(agent)


def hearing(agent: AgentBase) -> AbstractContextManager[object]:
    """The agent's session hears its topics within this; nothing, where it listens to none."""
    return agent.services.get(Listening).hear(agent) if _listens(agent) else _NOTHING


def resumed(agent: AgentBase) -> None:
    """Each source of the agent looks at once at what it has missed."""
    if _listens(agent):
        agent.services.get(Listening).look(agent)


def closing(agent: AgentBase) -> Sequence[Record]:
    """The rows that go with the last one of its session."""
    return agent.services.get(Listening).closing(agent) if _listens(agent) else ()


_NOTHING: AbstractContextManager[object] = nullcontext()
