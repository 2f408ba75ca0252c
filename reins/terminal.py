"""Text for a terminal: what a terminal would obey is shown as a sign, and columns are counted.

**Source**: ECMA-48 for control characters, Unicode's block Control Pictures for their signs, UAX 9
for marks of direction, UAX 11 for the width of letters.
"""

import contextlib
import io
import unicodedata
from typing import TextIO

_KEPT = "\t\n"
_DIRECTION = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_BREAKS = "\u2028\u2029"
_WIDE = ("W", "F")
_SIGNS = (
    {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in _KEPT}
    | {0x7F: "\N{SYMBOL FOR DELETE}"}
    # Each stands for ESC and a letter, and has no picture of its own.
    | {code: f"\N{SYMBOL FOR ESCAPE}{chr(code - 0x40)}" for code in range(0x80, 0xA0)}
    | {ord(sign): f"<U+{ord(sign):04X}>" for sign in _DIRECTION + _BREAKS}
)


def shown(text: str) -> str:
    """The text with signs in place of controls and marks of direction; tabs and lines stay."""
    return text if text.isprintable() else text.replace("\r\n", "\n").translate(_SIGNS)


def hanging(text: str, columns: int = 10) -> str:
    """The text with its further lines indented, so that none looks like a line of its own."""
    return text.replace("\n", "\n" + " " * columns)


def width(text: str) -> int:
    """The columns that a text takes on a terminal, about: emoji of several signs take more."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def padded(text: str, columns: int) -> str:
    """The text with blanks after it, up to this many columns."""
    return text + " " * max(0, columns - width(text))


def cut(text: str, columns: int) -> str:
    """The beginning of a text, of at most this many columns."""
    if width(text) <= columns:
        return text
    taken = 0
    for at, letter in enumerate(text):
        taken += _columns(letter)
        if taken > columns:
            return text[:at]
    return text


def lose_signs(stream: TextIO) -> None:
    """Let a stream that is not UTF-8 lose the signs that it lacks, and not fail for them."""
    if isinstance(stream, io.TextIOWrapper):
        with contextlib.suppress(ValueError, OSError):  # closed, or detached
            stream.reconfigure(errors="replace")


def _columns(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in _WIDE else 1
