"""Bounds of a task's state: all of its parts together fit into a snapshot. **Units**: bytes."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson

from reins.llm.tokens import size_of

GUIDANCE_BYTES = 6 * 1024
GOALS_BYTES = 4 * 1024
FACTS_BYTES = 4 * 1024
FILES_BYTES = 3 * 1024
REJECTIONS_BYTES = 5 * 1024
MEMORY_BYTES = 8 * 1024
_READ = "read"
"""Where the file tools note what files held when they were read."""

T = TypeVar("T")


def newest(items: Sequence[T], most_bytes: int, text: Callable[[T], str] = str) -> list[T]:
    """The newest of them that are no larger together; the newest one always."""
    kept: list[T] = []
    room = most_bytes
    for item in reversed(items):
        room -= size_of(text(item))
        if kept and room < 0:
            break
        kept.append(item)
    return kept[::-1]


def fits_memory(memory: dict[str, Any]) -> bool:
    """True if what tools remember fits; to make room, what was read before is forgotten first."""
    if len(orjson.dumps(memory)) <= MEMORY_BYTES:
        return True
    memory.pop(_READ, None)
    return len(orjson.dumps(memory)) <= MEMORY_BYTES
