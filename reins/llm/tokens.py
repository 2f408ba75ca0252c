"""The one estimate of tokens, for whatever no provider has counted."""

BYTES_PER_TOKEN = 3
"""Cautious: of English a token is four bytes, of most other scripts three."""

LEAST_BYTES_PER_TOKEN, MOST_BYTES_PER_TOKEN = 1.0, 6.0
_NEWEST = 0.3
"""How much the newest count weighs against all before it."""
_FEWEST = 200
"""Tokens of a prompt from which something can be learned: a short one is mostly its frame."""


def tokens_of(text: str, bytes_per_token: float = BYTES_PER_TOKEN) -> int:
    """Tokens of a text, rather too many than too few."""
    return tokens_in(len(text.encode("utf-8", "replace")), bytes_per_token)


def tokens_in(size_bytes: int, bytes_per_token: float = BYTES_PER_TOKEN) -> int:
    """Tokens of a text of so many bytes in UTF-8."""
    return int(-(-size_bytes // bytes_per_token))


def learned(known: float | None, size_bytes: int, tokens: int) -> float:
    """Bytes per token of a route, by what it has counted of a prompt of so many bytes.

    `known` is what it was before; None: nothing was counted yet.
    """
    if tokens < _FEWEST:
        return known or float(BYTES_PER_TOKEN)
    counted = min(max(size_bytes / tokens, LEAST_BYTES_PER_TOKEN), MOST_BYTES_PER_TOKEN)
    return round(counted if known is None else known + _NEWEST * (counted - known), 3)


def size_of(value: object) -> int:
    """**Units**: bytes in UTF-8, of all text in an argument of a prompt."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "replace"))
    if isinstance(value, list):
        return sum(map(size_of, value))
    if not isinstance(value, dict):
        return 8
    size = 0
    for key, each in value.items():
        # Most are short texts, and a task asks for the sizes of all its steps at each tick.
        is_plain = isinstance(each, str) and each.isascii()
        size += len(key) + (len(each) if is_plain else size_of(each))
    return size
