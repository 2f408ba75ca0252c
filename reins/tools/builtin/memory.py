"""The memory of a session: texts by key, which stay until it forgets them."""

from typing import Annotated

from pydantic import Field

from reins.tools.context import Context
from reins.tools.declaring import tool
from reins.tools.outcome import ToolError

_NOTES = "notes"
_KEYS = 100
_TEXT_CHARACTERS = 4_000
_ALL_CHARACTERS = 64_000
_SHOWN = 80


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None)
async def remember(
    context: Context,
    key: Annotated[str, Field(min_length=1, max_length=100)],
    text: Annotated[str, Field(max_length=_TEXT_CHARACTERS, description="empty: forget it")],
) -> str:
    """Keep a text under a key, in the place of what was kept there; an empty text forgets it."""
    notes: dict[str, str] = context.memory.setdefault(_NOTES, {})
    if not text:
        return "forgotten" if notes.pop(key, None) is not None else "nothing was kept there"
    others = {name: kept for name, kept in notes.items() if name != key}
    if len(others) >= _KEYS or sum(map(len, others.values())) + len(text) > _ALL_CHARACTERS:
        raise ToolError(
            f"the memory is full ({len(others)} texts, at most {_KEYS} with {_ALL_CHARACTERS:,} "
            "characters together); forget one first, with an empty text"
        )
    notes[key] = text
    return f"kept under {key!r}"


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None)
async def recall(
    context: Context, key: Annotated[str | None, Field(description="none: list all keys")] = None
) -> str:
    """Say what is kept under a key; without a key, list all keys with the begin of their texts."""
    notes: dict[str, str] = context.memory.get(_NOTES, {})
    if key is None:
        told = [f"{name}: {' '.join(text.split())[:_SHOWN]}" for name, text in notes.items()]
        return "\n".join(told) or "[nothing is kept]"
    if key not in notes:
        raise ToolError(f"nothing is kept under {key!r}; kept: {', '.join(notes) or 'nothing'}")
    return notes[key]
