"""The body of a recorded request, whichever provider it was for, as messages."""

from collections.abc import Iterator
from typing import Any

import orjson

MAX_REQUEST_CHARS = 2_000_000
_MAX_DEPTH = 8
_SYSTEM = ("system", "systemInstruction", "system_instruction")


def messages_of(request: str) -> list[tuple[str, str]]:
    """Role and text of each message, in order, the system's first.

    The bodies of OpenAI, Anthropic and Google are known; of any other, and of what is no JSON, the
    whole is one message.
    """
    return list(_messages(request))


def _messages(request: str) -> Iterator[tuple[str, str]]:
    try:
        body = orjson.loads(request[:MAX_REQUEST_CHARS])
    except orjson.JSONDecodeError:
        body = None
    turns = _turns(body) if isinstance(body, dict) else []
    if not turns:
        yield "request", request
        return
    for name in _SYSTEM:
        if body.get(name):
            yield "system", _text(body[name])
    for turn in turns:
        role = turn.get("role") if isinstance(turn, dict) else None
        yield (role[:40] if isinstance(role, str) else "?"), _text(turn)


def _turns(body: dict[str, Any]) -> list[Any]:
    """The messages, under the name that one provider or the other has for them."""
    for name in ("messages", "contents"):
        if isinstance(body.get(name), list) and body[name]:
            return list(body[name])
    return []


def _text(value: Any, depth: int = 0) -> str:
    """The text of a message, or of a part of one; what is no text stays JSON."""
    if isinstance(value, str):
        return value
    if depth < _MAX_DEPTH:
        if isinstance(value, list):
            return "\n".join(_text(each, depth + 1) for each in value)
        for name in ("content", "parts", "text") if isinstance(value, dict) else ():
            if name in value:
                return _text(value[name], depth + 1)
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return "[nested too deep to be shown]"
