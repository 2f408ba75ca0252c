"""Text from outside in a Markdown document: shown as it was written, and never part of its form."""

import re

from reins.terminal import shown

# Everything that could begin or end something within a line; an underscore within a word cannot.
_ANYWHERE = re.compile(r"[\\`*\[\]~|]|(?<![^\W_])_|_(?![^\W_])")
_AT_THE_START = re.compile(r"^([#+=:>-]|\d{1,9}(?=[.)]))")
# With entities and not with a backslash: what knows no such escape would take them for HTML.
_HTML = (re.compile(r"&(?=#?\w+;)"), "&amp;"), (re.compile("<"), "&lt;")
# What a terminal obeys, or what turns the text after it: a document is printed there too.
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_NO_BREAK = "\u00a0"


def inline(text: str) -> str:
    """The text for a place within a line: a heading, an item of a list."""
    return re.sub(r"(?<!\S)#", r"\\#", _escaped(" ".join(text.split())))


def quote(text: str) -> str:
    """The text as a block quote, line by line, so that it ends where it ends."""
    lines = [_quoted(line) for line in text.splitlines()] or [">"]
    # Two spaces: the next line is a line of its own.
    return "\n".join(f"{line}  " if line != ">" else line for line in lines)


def _quoted(line: str) -> str:
    words = line.strip()
    if not words:
        return ">"
    # Spaces that Markdown does not count: four plain ones would begin code.
    indent = line[: len(line) - len(line.lstrip())].expandtabs(4)
    escaped = _AT_THE_START.sub(_with_backslash, _escaped(words))
    return f"> {_NO_BREAK * len(indent)}{escaped}"


def _escaped(text: str) -> str:
    text = _OBEYED.sub(lambda found: shown(found[0]), text)
    for special, entity in _HTML:
        text = special.sub(entity, text)
    return _ANYWHERE.sub(r"\\\g<0>", text)


def _with_backslash(found: re.Match[str]) -> str:
    return f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}"
