"""Edits by exact text: the old text must stand in the file once, or the edit says why not.

The ladder: exactly; but for blanks at the ends of lines; but for the indentation of the whole.
Never by likeness: what is nearly the old text may be another place.
"""

import difflib
import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from reins.tools.outcome import ToolError

_AROUND = 3
_COMPARED = 5_000
"""Lines of a file among which the nearest is sought."""
_LINE = 160
_LIKELIEST = 20
"""Of these it is looked up letter by letter how near they are."""
_LIKE = 0.6
_WORK_LINES = 1_000_000
"""Lines that are compared to find the place of an edit."""
Alike = Callable[[list[str]], list[str]]


@dataclass(frozen=True, slots=True)
class Edited:
    """The new content, by which step of the ladder its place was found, and its first line."""

    content: str
    how: str
    line: int


def edit(content: str, old: str, new: str) -> Edited:
    """The content with `new` in the place of `old`. Raises: ToolError."""
    if not old.strip():
        raise ToolError("the old text is empty; give the lines that are to be replaced")
    if old == new:
        raise ToolError("old and new text are the same; nothing was changed")
    if found := _places_exactly(content, old):
        _refuse_many([content.count("\n", 0, at) for at in found], "")
        at = found[0]
        made = content[:at] + new + content[at + len(old) :]
        return Edited(made, "exact", content.count("\n", 0, at) + 1)
    lines, wanted = content.split("\n"), old.removesuffix("\n").split("\n")
    for how, alike in (("trailing blanks", _trimmed), ("indentation", _unindented)):
        places = _places(lines, wanted, alike)
        _refuse_many(places, f", but for {how}")
        if places:
            made = _replaced(lines, places[0], wanted, new, indent=how == "indentation")
            return Edited(made, how, places[0] + 1)
    raise ToolError(f"the old text is not in the file. {_nearest(lines, wanted)}")


def _places_exactly(content: str, old: str) -> list[int]:
    found: list[int] = []
    at = content.find(old)
    while at >= 0 and len(found) <= _AROUND:
        found.append(at)
        at = content.find(old, at + 1)
    return found


def _refuse_many(places: list[int], but: str) -> None:
    if len(places) > 1:
        at = ", ".join(str(each + 1) for each in places[:_AROUND])
        raise ToolError(
            f"the old text stands in more than one place (lines {at}){but}; give more lines around "
            "the one that you mean"
        )


def _trimmed(lines: list[str]) -> list[str]:
    return [line.rstrip() for line in lines]


def _unindented(lines: list[str]) -> list[str]:
    cut = len(_indent(lines))
    return [line[cut:].rstrip() for line in lines]


def _indent(lines: list[str]) -> str:
    """The blanks with which all lines begin that are not blank."""
    blanks = [line[: len(line) - len(line.lstrip())] for line in lines if line.strip()]
    if not blanks:
        return ""
    one, other = min(blanks), max(blanks)  # what these two share, all share
    differs = (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return one[: next(differs, min(len(one), len(other)))]


def _places(lines: list[str], wanted: list[str], alike: Alike) -> list[int]:
    """Where the wanted lines stand, as they are alike; a few places are enough to refuse them.

    Raises: ToolError where so many places nearly fit that to compare them takes too long.
    """
    found: list[int] = []
    sought, left = alike(wanted), _WORK_LINES
    for at in _stripped_places(lines, wanted):
        left -= len(wanted)
        if left < 0:
            raise ToolError(
                "the file repeats these lines too often to look at each place; give the old text "
                "exactly as it stands there, or fewer lines of it"
            )
        if alike(lines[at : at + len(wanted)]) == sought:
            found.append(at)
            if len(found) > _AROUND:
                break
    return found


def _stripped_places(lines: list[str], wanted: list[str]) -> Iterator[int]:
    """Where the lines stand but for all blanks around them. Takes time as the text is long."""
    text = "\n".join(["", *(line.strip() for line in lines), ""])
    sought = "\n".join(["", *(line.strip() for line in wanted), ""])
    number, counted, at = 0, 0, text.find(sought)
    while at >= 0:
        number += text.count("\n", counted, at)
        counted = at
        yield number
        at = text.find(sought, at + 1)


def _replaced(lines: list[str], at: int, wanted: list[str], new: str, *, indent: bool) -> str:
    there = lines[at : at + len(wanted)]
    made = new.removesuffix("\n").split("\n") if new else []
    if indent:
        own, given = _indent(there), _indent(wanted)
        made = [_moved(line, given, own) for line in made]
    if there[0].endswith("\r"):
        made = [f"{line.rstrip(chr(13))}\r" for line in made]
    return "\n".join([*lines[:at], *made, *lines[at + len(wanted) :]])


def _moved(line: str, given: str, own: str) -> str:
    """The line with the file's indentation. Raises: ToolError where it stands left of the rest."""
    if not line.strip():
        return line
    if not line.startswith(given):
        raise ToolError(
            f"the indentation of {line.strip()[:_LINE]!r} fits neither the old text nor the file; "
            "give old and new text as they stand in the file"
        )
    return own + line[len(given) :]


def _nearest(lines: list[str], wanted: list[str]) -> str:
    """The lines that look most like the old text, with their numbers."""
    first = next(line.strip()[:_LINE] for line in wanted if line.strip())
    numbers: dict[str, int] = {}
    for number, line in enumerate(lines[:_COMPARED], 1):
        numbers.setdefault(line.strip()[:_LINE], number)
    near = _most_like(first, numbers)
    if near is None:
        return "No line in it looks like the first one; read the file again"
    at = numbers[near]
    shown = lines[at - 1 : at - 1 + max(_AROUND, min(len(wanted), 2 * _AROUND))]
    told = "\n".join(f"{n:>6}\t{line[:_LINE]}" for n, line in enumerate(shown, at))
    return f"These lines look most like it:\n{told}"


def _most_like(line: str, others: Iterable[str]) -> str | None:
    """The line among the others that is most like it: by its letters, then by their order."""
    compared = difflib.SequenceMatcher(b=line, autojunk=False)

    def letters(other: str) -> float:
        compared.set_seq1(other)
        return compared.quick_ratio()

    def order(other: str) -> float:
        compared.set_seq1(other)
        return compared.ratio()

    likely = ((letters(other), other) for other in others)
    near = heapq.nlargest(_LIKELIEST, (each for each in likely if each[0] >= _LIKE))
    best = max(((order(other), other) for _, other in near), default=(0.0, ""))
    return best[1] if best[0] >= _LIKE else None
