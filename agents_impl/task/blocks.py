"""Raw blocks: texts as they are, between a line `<<<name` and a line `>>>`.

A text that has such lines itself stands between more signs: `<<<<name` and `>>>>`. An end that
leaves it open where the text ends is an error: half a file is worse than none.
"""

import re
from dataclasses import dataclass

OPENS = re.compile(r"^[ \t]*(<{3,})([A-Za-z_]\w{0,63})[ \t\r]*(?:\n|\Z)", re.MULTILINE)
_CLOSES = re.compile(r"^[ \t]*(>{3,})[ \t\r]*$", re.MULTILINE)

FILE = "content"
"""Names a whole file: its last line ends as all others do. Other texts are as they stand between
the two lines, so that the lines of an edit can be put in the place of others.
"""


class BlockError(Exception):
    """A block does not say where it ends."""


@dataclass(frozen=True, slots=True)
class Block:
    """A text by the name of the argument that it is."""

    name: str
    text: str


def block_at(answer: str, opens: re.Match[str]) -> tuple[Block, int]:
    """The block that this line opens, and where it ends. Raises: BlockError."""
    signs, name = opens[1], opens[2]
    closing = ">" * len(signs)
    closes = next(
        (found for found in _CLOSES.finditer(answer, opens.end()) if found[1] == closing), None
    )
    if closes is None:
        raise BlockError(
            f"the block {signs}{name} has no end; close it with a line {closing}, and write the "
            "whole text again"
        )
    after = _CLOSES.search(answer, closes.end())
    opened = OPENS.search(answer, closes.end())
    if after is not None and (opened is None or after.start() < opened.start()):
        raise BlockError(
            f"the block {signs}{name} has a line {after[1]} in it, so it is not clear where it "
            f"ends; write it between {'<' * (len(signs) + 1)}{name} and {'>' * (len(signs) + 1)}"
        )
    text = answer[opens.end() : closes.start()]
    return Block(name, text if name == FILE else text.removesuffix("\n")), closes.end()


def fits_block(name: str, text: str) -> bool:
    """True of a text that a block gives back as it is."""
    return name != FILE or text.endswith("\n")


def in_block(name: str, text: str) -> str:
    """The text in a block, between more signs than any of its own lines has."""
    own = [len(found[1]) for pattern in (OPENS, _CLOSES) for found in pattern.finditer(text)]
    signs = max([2, *own]) + 1
    body = text if name == FILE else f"{text}\n"
    return f"{'<' * signs}{name}\n{body}{'>' * signs}"
