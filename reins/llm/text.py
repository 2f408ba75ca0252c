"""Text on its way to a model and back: safe for UTF-8, JSON and a row of the log."""

import re

from reins import redaction

MAX_TEXT_BYTES = 64 * 1024
"""The longest answer that a step may hold; a snapshot is bounded alike."""

# Control characters but tab and newline. NUL ends strings in some stores and terminals obey ESC.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

SURROGATE = re.compile("[\ud800-\udfff]")

# With these words BAML marks roles and pictures inside the text that it has rendered. In a user's
# text they would open a message of the role "system", fetch a picture, or fail every call.
MARK = re.compile(r"MAGIC_STRING_(?=DELIMITER)|:baml-(?=(?:start|end)-)")


def encodable(text: str) -> str:
    """The same text as UTF-8 can carry it: surrogates that belong together are one character, one
    that is alone is replaced.
    """
    if text.isascii() or not SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def clean(text: str) -> str:
    """An answer without control characters, lone surrogates, keys and surrounding white space."""
    return redaction.text(CONTROL.sub("", encodable(text.replace("\r\n", "\n"))).strip())


def one_line(text: str, most: int) -> str:
    """The text on one printable line of at most `most` characters, cut between words if it can."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    shown = " ".join(text.split())
    if len(shown) > most:
        shown = (shown[: most - 1].rsplit(" ", 1)[0] + "…").strip()
    return shown


def safe_argument(value: object) -> object:
    """An argument of a prompt: encodable, without keys and BAML's own marks wherever it is text."""
    if isinstance(value, str):
        return MARK.sub(lambda mark: mark[0][:-1] + " ", encodable(redaction.text(value)))
    if isinstance(value, (list, tuple)):
        return [safe_argument(item) for item in value]
    if isinstance(value, dict):
        return {encodable(str(k)): safe_argument(v) for k, v in value.items()}
    return value


def is_too_long(text: str) -> bool:
    """True if a text is longer than a step may hold."""
    # The quick answers first: encoding 10 MB takes longer than it is worth.
    if len(text) * 4 <= MAX_TEXT_BYTES:
        return False
    return len(text) > MAX_TEXT_BYTES or len(text.encode("utf-8", "replace")) > MAX_TEXT_BYTES
