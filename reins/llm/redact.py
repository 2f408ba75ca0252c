"""Texts for the record of calls: without keys and what looks like one, cut to a length."""

import re

from reins import redaction
from reins.redaction import HIDDEN

REQUEST_BYTES = 128 * 1024
ANSWER_BYTES = 64 * 1024
ERROR_BYTES = 2 * 1024

CUT = "… [cut]"

# Shapes of common keys. Most texts hold none of the words they begin with, which is quick to see.
SHAPES = re.compile(
    r"\bsk-[A-Za-z0-9_-]{16,}|\bAIza[A-Za-z0-9_-]{30,}|\b[Bb]earer\s+[A-Za-z0-9._~+/=-]{8,}"
)


def for_record(text: str, most_bytes: int) -> str:
    """The text without keys, of at most so many bytes, with a mark where it was cut."""
    known = redaction.redactor()
    # What lies far beyond the cut need not be searched; a key across the cut is.
    text = known.value(text[: most_bytes + known.longest + len(CUT) + 256])
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
