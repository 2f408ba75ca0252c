"""Paths in a running plan: `/` is the plan, `/1/0#3` its branch 1's item 0 in the third turn.

A segment is the place of an item, with the turn of a loop (`#`) or the attempt of a retry (`~`).
So a path names one run of one node, and is the same after a restart.
"""

import re
from functools import lru_cache

ROOT = "/"
RETURNED = "plan"
RETURNED_KIND = "returned"
"""The segment of a plan that an action has returned."""
_SEGMENT = re.compile(r"(\d+)(?:([#~])(\d+))?")


def child(path: str, segment: str) -> str:
    """The path of a node's child."""
    return f"{path}{segment}" if path == ROOT else f"{path}/{segment}"


def segments(path: str) -> list[str]:
    """The segments of a path; none for the plan itself."""
    return [] if path == ROOT else path[1:].split("/")


def is_segment(segment: object) -> bool:
    """True for a segment of an item."""
    return isinstance(segment, str) and _SEGMENT.fullmatch(segment) is not None


def place(segment: str) -> int:
    """The place of the item that a segment names."""
    return int(segment if segment.isdigit() else segment.partition("#")[0].partition("~")[0])


def attempt(path: str) -> int:
    """The number of the innermost attempt on the way to the path; 1 outside of a retry."""
    _, mark, number = path.rpartition("~")
    return int(number.partition("/")[0]) if mark else 1


@lru_cache(maxsize=4096)
def order(path: str) -> tuple[tuple[int, int], ...]:
    """The key by which paths are in the order of the plan."""
    key = []
    for segment in segments(path):
        found = _SEGMENT.fullmatch(segment)
        key.append((int(found[1]), int(found[3] or 0)) if found else (0, 0))
    return tuple(key)


def is_beneath(path: str, above: str) -> bool:
    """True for a path of a node beneath another."""
    return above == ROOT or path.startswith(f"{above}/")


def joined(found: list[str]) -> str:
    """The path of these segments."""
    return ROOT + "/".join(found)
