"""The tokens of an answer, in each provider's spelling.

**Source**: the API references of OpenAI (chat and responses), Anthropic, Google, DeepSeek,
Moonshot, Mistral, xAI, Groq, Amazon Bedrock and OpenRouter.
"""

from dataclasses import dataclass
from typing import Any

MAX_TOKENS = 1_000_000_000
MAX_DIGITS = 12

SENT = ("prompt_tokens", "input_tokens", "promptTokenCount", "inputTokens")
ANSWERED = ("completion_tokens", "output_tokens", "candidatesTokenCount", "outputTokens")
CACHED = (
    "cache_read_input_tokens",
    "cacheReadInputTokens",
    "prompt_cache_hit_tokens",
    "cachedContentTokenCount",
    "cached_tokens",
    "num_cached_tokens",
    "native_tokens_cached",
    "cache_read_tokens",
)
DETAILS = ("prompt_tokens_details", "input_tokens_details", "prompt_token_details")
WRITTEN = ("cache_creation_input_tokens", "cacheWriteInputTokens")
ALL_CACHED = frozenset(CACHED)
BESIDE = frozenset((*CACHED[:2], *WRITTEN))
THOUGHT = "thoughtsTokenCount"
"""Google counts an answer's thoughts beside the answer; all others count them in it."""


@dataclass(slots=True)
class Usage:
    """Tokens as they were counted, each None until it was. `sent` has those that were cached."""

    sent: int | None = None
    answered: int | None = None
    cached: int | None = None

    def read(self, given: object) -> None:
        """Take in what an answer or an event says; a later number counts."""
        if not isinstance(given, dict):
            return
        sent, cached = _first(given, SENT), _cached(given)
        if sent is not None:
            beside = _beside(given)
            self.sent = sent + (cached or 0) + beside if beside is not None else sent
        answered = _first(given, ANSWERED)
        if answered is not None:
            self.answered = answered + (_count(given.get(THOUGHT)) or 0)
        if cached is not None:
            self.cached = cached

    @property
    def is_known(self) -> bool:
        """True if the provider has counted."""
        return self.sent is not None or self.answered is not None


def usage_in(body: dict[str, Any]) -> object:
    """The usage of an answer or an event, wherever it stands there."""
    found: object = body.get("usage") or body.get("usageMetadata")
    if found:
        return found
    for name in ("message", "x_groq", "response"):
        inner = body.get(name)
        if not found and isinstance(inner, dict):
            found = inner.get("usage")
    if not found and isinstance(choices := body.get("choices"), list) and choices:
        first = choices[0]  # as Moonshot does in its streams
        found = first.get("usage") if isinstance(first, dict) else None
    return found


def _cached(given: dict[str, Any]) -> int | None:
    most: int | None = None
    for each in (given, *map(given.get, DETAILS)):
        if isinstance(each, dict) and not ALL_CACHED.isdisjoint(each):
            # Some fill in only one of two names, and the other with 0.
            for name in ALL_CACHED & each.keys():
                count = _count(each[name])
                if count is not None and (most is None or count > most):
                    most = count
    return most


def _beside(given: dict[str, Any]) -> int | None:
    """Tokens written to a cache, where cached ones are not in the tokens sent; else None.

    Anthropic and Bedrock leave both out. A proxy that gives Anthropic's names beside OpenAI's has
    added them.
    """
    if "prompt_tokens" in given or BESIDE.isdisjoint(given):
        return None
    return _first(given, WRITTEN) or 0


def _first(given: dict[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        if name in given and (count := _count(given[name])) is not None:
            return count
    return None


def _count(value: object) -> int | None:
    """A number of tokens; None for what cannot be one."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < MAX_DIGITS:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 0 <= value <= MAX_TOKENS else None
