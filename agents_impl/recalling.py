"""The memories that an agent is told: those to the point of its work, on record."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import orjson

from agent_core.session.session import Session
from agents_impl.minding import recollection_of, shared_with
from reins.llm.text import one_line
from reins.remembering.recollection import Recalled

if TYPE_CHECKING:
    from reins.mind import Memories, Memory

_SHOWN_CHARS = 200


async def recalled(
    session: Session,
    memories: "Callable[[], Memories | None]",
    cues: Callable[[], Iterable[tuple[str, str]]],
    budget_bytes: int,
) -> Recalled:
    """The memories that fit the cues, each a part of the work and its text, within the bytes; in a
    replay those that were recalled then.
    """
    recollection = recollection_of(session)
    again = recollection.on_record()
    if again is not None:
        return again
    known = memories() if budget_bytes > 0 else None
    if known is None:
        return Recalled()
    from reins.mind.relevance import Cue  # noqa: PLC0415 - takes 50 ms

    every = [*known.recall_all("", session.clock()).values()]
    looked = [Cue(part, text) for part, text in cues()]
    return await recollection.recall(looked, every, _line, budget_bytes)


async def recalled_beyond(
    session: Session, cues: Callable[[], Iterable[tuple[str, str]]], budget_bytes: int
) -> Recalled:
    """As `recalled`, for a session without a mind of its own: what its agent and all remember."""

    def memories() -> "Memories | None":
        shared, agent_id = shared_with(session), session.agent_id
        return shared.view(agent_id) if shared is not None and shared.has_some(agent_id) else None

    return await recalled(session, memories, cues, budget_bytes)


def told(memory: "Memory") -> str:
    """The value of a memory as text."""
    if memory.elsewhere:
        return f"[too long to be shown here; it is version {memory.version} in the table memories]"
    value: Any = memory.value
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _line(memory: "Memory") -> str:
    whose = "" if memory.scope == "session" else f" ({memory.scope})"
    return one_line(f"remembered{whose} under {memory.key!r}: {told(memory)}", _SHOWN_CHARS)
