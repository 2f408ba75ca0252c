"""Text on its way to a model and back: safe for UTF-8, JSON and a row of the log."""

import re

MAX_TEXT_BYTES = 64 * 1024
"""The longest answer that a step may hold; a snapshot is bounded alike."""

# Control characters but tab and newline. NUL ends strings in some stores and terminals obey ESC.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def encodable(text: str) -> str:
    """The same text with lone surrogates, which UTF-8 cannot carry, replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def clean(text: str) -> str:
    """An answer without control characters, lone surrogates and surrounding white space."""
    return CONTROL.sub("", encodable(text.replace("\r\n", "\n"))).strip()


def encodable_argument(value: object) -> object:
    """An argument of a prompt, made encodable wherever it holds text."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, (list, tuple)):
        return [encodable_argument(item) for item in value]
    if isinstance(value, dict):
        return {encodable(str(k)): encodable_argument(v) for k, v in value.items()}
    return value
