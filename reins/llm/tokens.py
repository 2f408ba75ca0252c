"""The one estimate of tokens, for whatever no provider has counted."""

BYTES_PER_TOKEN = 3
"""Cautious: of English a token is four bytes, of most other scripts three."""


def tokens_of(text: str) -> int:
    """Tokens of a text, rather too many than too few."""
    return tokens_in(len(text.encode("utf-8", "replace")))


def tokens_in(size_bytes: int) -> int:
    """Tokens of a text of so many bytes in UTF-8."""
    return -(-size_bytes // BYTES_PER_TOKEN)


def size_of(value: object) -> int:
    """**Units**: bytes in UTF-8, of all text in an argument of a prompt."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode())
    if isinstance(value, list):
        return sum(map(size_of, value))
    if isinstance(value, dict):
        return sum(len(key) + size_of(each) for key, each in value.items())
    return 8
