"""A text in pieces that a search finds and a citation names: cut at headings and paragraphs.

The pieces follow each other without a gap: together they are the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_CHARS = 1_200
"""Of a chunk: some 300 tokens, which a static embedding still tells apart."""
_MAX_HEADING = 200
_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_BREAKS = (re.compile(r"\n"), re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s"), re.compile(r"\s"))
"""Where a paragraph that is too long is cut, the best place first."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a text. **Units**: characters are code points; the last is not included."""

    from_char: int
    to_char: int
    heading: str
    text: str


def chunks_of(text: str) -> list[Chunk]:
    """The pieces of a text, none longer than `MAX_CHARS`."""
    found: list[Chunk] = []
    at, heading, held = 0, "", ""
    for block, under in _blocks(text):
        if held and (under != heading or len(held) + len(block) > MAX_CHARS):
            found.append(Chunk(at, at + len(held), heading, held))
            at, held = at + len(held), ""
        heading = under
        held += block
        while len(held) > MAX_CHARS:
            cut = _cut(held)
            found.append(Chunk(at, at + cut, heading, held[:cut]))
            at, held = at + cut, held[cut:]
    if held:
        found.append(Chunk(at, at + len(held), heading, held))
    return found


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Paragraphs with the blank lines behind them, each with the headings that it stands under."""
    above: list[tuple[int, str]] = []
    path, is_blank, fence = "", False, ""
    held: list[str] = []
    for line in text.splitlines(keepends=True):
        found = None if fence else _HEADING.match(line)
        if held and (found is not None or (is_blank and line.strip())):
            yield "".join(held), path
            held, is_blank = [], False
        if found is not None:
            level = len(found[1])
            above = [each for each in above if each[0] < level]
            above.append((level, found[2].strip(" #\t")))
            path = " > ".join(name for _, name in above)[-_MAX_HEADING:]
        elif mark := _FENCE.match(line):
            fence = mark[1] if not fence else "" if mark[1] == fence else fence
        held.append(line)
        is_blank = not line.strip()
    if held:
        yield "".join(held), path


def _cut(text: str) -> int:
    """The place in the second half of a chunk's room where the text is best cut."""
    room = text[:MAX_CHARS]
    for each in _BREAKS:
        places = [found.end() for found in each.finditer(room, MAX_CHARS // 2)]
        if places:
            return places[-1]
    return MAX_CHARS
