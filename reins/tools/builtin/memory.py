"""The memory of a session: texts by key, which stay until it forgets them, and then come back."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from reins.tools.context import Context, FoundMemory, Scope
from reins.tools.declaring import tool
from reins.tools.outcome import ToolError

_NOTES = "notes"
_KEYS = 100
_TEXT_CHARACTERS = 4_000
_ALL_CHARACTERS = 64_000
_SHOWN = 80
_FOUND = 10
_FOUND_SHOWN = 400
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
    about: Annotated[
        str | None,
        Field(min_length=1, max_length=1_000, description="find those about this, best first"),
    ] = None,
) -> str:
    """Say what is kept under a key, or find texts about something by words and meaning; without
    either, list all keys with the begin of their texts.
    """
    if about is not None and key is None:
        return await _found(context, about, scope)
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


async def _found(context: Context, about: str, scope: Scope | None) -> str:
    """A line for each text that was found, and one that says so where it was by words alone."""
    if context.mind is None:
        raise ToolError("nothing is searched here: the memory of a session alone is; give a key")
    found = await context.mind.find(about, scope, _FOUND)
    lines = [_found_line(each) for each in found.memories] or ["[nothing was found]"]
    return "\n".join([*lines, f"[by words alone: {found.note}]"] if found.note else lines)


def _found_line(found: FoundMemory) -> str:
    whose = "" if found.scope == "session" else f" ({found.scope})"
    text = " ".join(found.text.split())[:_FOUND_SHOWN]
    return f"{found.key}{whose}: {text} [{found.score:.2f} by {' and '.join(found.by)}]"


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
