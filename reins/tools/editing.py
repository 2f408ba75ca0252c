"""Edits by exact text: the old text must stand in the file once, or the edit says why not.

The ladder: exactly; but for blanks at the ends of lines; but for the indentation of the whole.
Never by likeness: what is nearly the old text may be another place.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from reins.tools.outcome import ToolError

_SHOWN = 3
Alike = Callable[[list[str]], list[str]]


@dataclass(frozen=True, slots=True)
class Edited:
    """The new content, and by which step of the ladder its place was found."""

    content: str
    how: str


def edit(content: str, old: str, new: str) -> Edited:
    """The content with `new` in the place of `old`. Raises: ToolError."""
    if not old:
        raise ToolError("the old text is empty; give the lines that are to be replaced")
    if old == new:
        raise ToolError("old and new text are the same; nothing was changed")
    count = content.count(old)
    if count == 1:
        return Edited(content.replace(old, new), "exact")
    if count > 1:
        raise ToolError(f"the old text stands in {count} places; give more lines around it")
    lines, wanted = content.splitlines(keepends=True), old.splitlines()
    for how, alike in (("trailing blanks", _trimmed), ("indentation", _unindented)):
        places = _places(lines, wanted, alike)
        if len(places) > 1:
            raise ToolError(
                f"the old text stands in {len(places)} places, but for {how}; give more lines"
            )
        if places:
            return Edited(_replaced(lines, places[0], wanted, new, how), how)
    raise ToolError(f"the old text is not in the file. {_nearest(content, old)}")


def _trimmed(lines: list[str]) -> list[str]:
    return [line.rstrip() for line in lines]


def _unindented(lines: list[str]) -> list[str]:
    depth = _depth(lines)
    return [line.expandtabs()[depth:].rstrip() for line in lines]


def _depth(lines: list[str]) -> int:
    expanded = [line.expandtabs() for line in lines]
    return min((len(each) - len(each.lstrip()) for each in expanded if each.strip()), default=0)


def _places(lines: list[str], wanted: list[str], alike: Alike) -> list[int]:
    sought, count = alike(wanted), len(wanted)
    return [at for at in range(len(lines) - count + 1) if alike(lines[at : at + count]) == sought]


def _replaced(lines: list[str], at: int, wanted: list[str], new: str, how: str) -> str:
    there = lines[at : at + len(wanted)]
    made = new.splitlines(keepends=True)
    if how == "indentation":
        shift = _depth(there) - _depth(wanted)
        made = [_shifted(line, shift) for line in made]
    if made and there[-1].endswith("\n") and not made[-1].endswith("\n"):
        made[-1] += "\n"
    return "".join([*lines[:at], *made, *lines[at + len(wanted) :]])


def _shifted(line: str, by: int) -> str:
    if not line.strip() or not by:
        return line
    if by > 0:
        return " " * by + line
    blanks = len(line) - len(line.lstrip(" "))
    return line[min(-by, blanks) :]


def _nearest(content: str, old: str) -> str:
    """The lines that look most like the first line of the old text."""
    first = next((line for line in old.splitlines() if line.strip()), old)
    numbered = {line.strip(): n for n, line in reversed([*enumerate(content.splitlines(), 1)])}
    near = difflib.get_close_matches(first.strip(), [*numbered][:5_000], _SHOWN, 0.6)
    if not near:
        return "No line in it looks like it; read the file again"
    told = "; ".join(f"line {numbered[line]}: {line[:100]}" for line in near)
    return f"Lines that look like its first: {told}. Read them again"
