"""The memory of a session: texts by key, which stay until it forgets them, and then come back."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from reins.tools.context import Context, Scope
from reins.tools.declaring import tool
from reins.tools.outcome import ToolError

_NOTES = "notes"
_KEYS = 100
_TEXT_CHARACTERS = 4_000
_ALL_CHARACTERS = 64_000
_SHOWN = 80
_Key = Annotated[str, Field(min_length=1, max_length=100)]
_Scope = Annotated[
    Scope, Field(description="session: this work; agent: your later work too; shared: all agents")
]


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None)
async def remember(
    context: Context,
    key: _Key,
    text: Annotated[str, Field(max_length=_TEXT_CHARACTERS, description="empty: forget it")],
    scope: _Scope = "session",
) -> str:
    """Keep a text under a key, in the place of what was kept there; an empty text forgets it."""
    if not text:
        return "forgotten" if _forgotten(context, key, scope) else "nothing was kept there"
    if context.mind is not None:
        context.mind.remember(key, text, scope)
        if scope == "session":
            _notes(context).pop(key, None)
        return f"kept under {key!r}"
    _only_session(scope)
    notes: dict[str, str] = context.memory.setdefault(_NOTES, {})
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
    context: Context,
    key: Annotated[str | None, Field(description="none: list all keys")] = None,
    scope: Annotated[
        Scope | None, Field(description="none: your own first, then agent, then shared")
    ] = None,
) -> str:
    """Say what is kept under a key; without a key, list all keys with the begin of their texts."""
    kept = _kept(context, scope)
    if key is None:
        told = [f"{name}: {' '.join(text.split())[:_SHOWN]}" for name, text in kept.items()]
        return "\n".join(told) or "[nothing is kept]"
    if key not in kept:
        raise _nothing(key, kept)
    return kept[key]


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None)
async def forget(context: Context, key: _Key, scope: _Scope = "session") -> str:
    """Forget what is kept under a key; restore brings it back."""
    if not _forgotten(context, key, scope):
        raise _nothing(key, _kept(context, scope))
    return "forgotten"


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None)
async def restore(
    context: Context,
    key: _Key,
    version: Annotated[
        int | None, Field(ge=1, description="none: the newest text before this one")
    ] = None,
    scope: _Scope = "session",
) -> str:
    """Bring back a text that was forgotten, or that another took the place of; gives the text."""
    if context.mind is None:
        raise ToolError("nothing can be restored here: only the memory of a session has versions")
    return context.mind.restore(key, version, scope)


def _notes(context: Context) -> dict[str, str]:
    """Texts of a call outside of a session, and of sessions from before they had a mind."""
    notes: dict[str, str] = context.memory.get(_NOTES, {})
    return notes


def _kept(context: Context, scope: Scope | None) -> Mapping[str, str]:
    """The memories of a scope; without one the nearest of each key."""
    notes = {} if scope in ("agent", "shared") else _notes(context)
    if context.mind is None:
        return notes
    if scope is not None:
        return {**notes, **context.mind.recall_all(scope)}
    return {**context.mind.recall_all(), **notes, **context.mind.recall_all("session")}


def _forgotten(context: Context, key: str, scope: Scope) -> bool:
    """True if something was kept there."""
    found = scope == "session" and context.memory.get(_NOTES, {}).pop(key, None) is not None
    if context.mind is not None and key in context.mind.recall_all(scope):
        context.mind.forget(key, scope)
        return True
    return found


def _only_session(scope: Scope) -> None:
    if scope != "session":
        raise ToolError(f"nothing is kept in the scope {scope} here: sessions alone have it")


def _nothing(key: str, kept: Mapping[str, str]) -> ToolError:
    return ToolError(f"nothing is kept under {key!r}; kept: {', '.join(kept) or 'nothing'}")
