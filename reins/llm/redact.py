"""Texts for the record of calls, without keys and cut to a length."""

import json
import re
from collections.abc import Iterable

REQUEST_BYTES = 128 * 1024
ANSWER_BYTES = 64 * 1024
ERROR_BYTES = 2 * 1024

HIDDEN = "[key removed]"
CUT = "… [cut]"

# Shapes of common keys. Most texts hold none of the words they begin with, which is quick to see.
SHAPES = re.compile(
    r"\bsk-[A-Za-z0-9_-]{16,}|\bAIza[A-Za-z0-9_-]{30,}|\b[Bb]earer\s+[A-Za-z0-9._~+/=-]{8,}"
)
SHORTEST_KEY = 6
"""A shorter key, such as a local server's "x", would black out words."""


class Redactor:
    """Takes the keys of all routes, and what looks like a key, out of a text."""

    def __init__(self, keys: Iterable[str]) -> None:
        # Longest first: one key may begin with another.
        shapes = {shape for key in keys for shape in (key, json.dumps(key)[1:-1])}
        self._keys = sorted((k for k in shapes if len(k) >= SHORTEST_KEY), key=len, reverse=True)
        self._longest = max(map(len, self._keys), default=0)

    def text(self, text: str, most_bytes: int) -> str:
        """The text without keys, of at most so many bytes, with a mark where it was cut."""
        # What lies far beyond the cut need not be searched; a key across the cut is.
        text = text[: most_bytes + self._longest + len(CUT) + 256]
        for key in self._keys:
            if key in text:
                text = text.replace(key, HIDDEN)
        if "sk-" in text or "AIza" in text or "earer " in text:
            text = SHAPES.sub(HIDDEN, text)
        return cut(text, most_bytes)


def cut(text: str, most_bytes: int) -> str:
    if len(text) * 4 <= most_bytes:
        return text
    data = text.encode("utf-8", "replace")
    if len(data) <= most_bytes:
        return text
    return data[: most_bytes - len(CUT.encode())].decode("utf-8", "ignore") + CUT
