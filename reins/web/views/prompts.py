"""A recorded request, taken apart: its messages, and within each the lines of each tag."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from reins.llm.requests import messages_of
from reins.llm.tokens import tokens_of
from reins.web.views.rows import Wire

_MAX_MESSAGES = 200
_MAX_PARTS = 40
"""Of one message; the lines of further tags are with those of none."""
_CUT_TEXT = 20_000  # characters of one part
_TAGGED = re.compile(r"\[([A-Za-z][\w .:-]{0,39})\]")


class PromptPart(Wire):
    """The lines of a message that begin with one tag, such as `[message]`; `tag` null: with none.

    `tokens` is an estimate. `cut`: `text` was shortened; `chars` is that of the whole.
    """

    tag: str | None
    lines: int
    chars: int
    tokens: int
    text: str
    cut: bool


class PromptMessage(Wire):
    """One message of a request, as the model got it."""

    role: str
    chars: int
    tokens: int
    parts: list[PromptPart]


class Prompt(Wire):
    """The material that the model saw. `more`: messages beyond those that are shown."""

    messages: list[PromptMessage]
    chars: int
    tokens: int
    more: int


def prompt_of(request: str) -> dict[str, Any]:
    """The body of a request in the shape of `Prompt`, whatever it is.

    Those of OpenAI, Anthropic and Google are known; of any other, and of what is no JSON, the whole
    is one message.
    """
    found = messages_of(request)
    shown = [_message(role, text) for role, text in found[:_MAX_MESSAGES]]
    chars = sum(len(text) for _, text in found)
    return {
        "messages": shown,
        "chars": chars,
        "tokens": sum(tokens_of(text) for _, text in found),
        "more": len(found) - len(shown),
    }


def _message(role: str, text: str) -> dict[str, Any]:
    parts: dict[str | None, list[str]] = {}
    for line in text.split("\n"):
        found = _TAGGED.match(line)
        tag = found[1] if found else None
        if tag not in parts and len(parts) >= _MAX_PARTS:
            tag = None
        parts.setdefault(tag, []).append(line)
    return {
        "role": role,
        "chars": len(text),
        "tokens": tokens_of(text),
        "parts": list(_parts(parts.items())),
    }


def _parts(found: Iterable[tuple[str | None, list[str]]]) -> Iterator[dict[str, Any]]:
    for tag, lines in found:
        text = "\n".join(lines)
        yield {
            "tag": tag,
            "lines": len(lines),
            "chars": len(text),
            "tokens": tokens_of(text),
            "text": text[:_CUT_TEXT],
            "cut": len(text) > _CUT_TEXT,
        }
