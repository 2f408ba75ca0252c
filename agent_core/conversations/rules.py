"""The rules of a conversation's room: what people have set for all who take part."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import orjson

_REMEMBERED = 20
"""Changes that are known again where a kill lets their actions come once more."""
Pace: TypeAlias = Literal["calm", "brisk", "free"]
TURN_S: dict[Pace, tuple[float, float]] = {
    "calm": (2.0, 4.0),
    "brisk": (0.8, 1.6),
    "free": (0.0, 0.0),
}
"""Seconds from one message to a persona's next: the least and the most."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one room; None is what its personas and the settings say.

    `paused_by`, `ended_by`: the person who did. `counted_from`: up to this message, agents'
    messages without a person's do not count.
    """

    title: str | None = None
    pace: Pace | None = None
    ceiling: int | None = None
    paused_by: str | None = None
    ended_by: str | None = None
    counted_from: int = 0

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Rules":
        return cls(
            title=row["title"],
            pace=row.get("pace"),
            ceiling=row.get("ceiling"),
            paused_by=row.get("paused_by"),
            ended_by=row.get("ended_by"),
            counted_from=row.get("counted_from") or 0,
        )


def changed_by(row: Mapping[str, Any]) -> list[str]:
    """The newest actions that have changed a room with this row, oldest first."""
    found: list[str] = orjson.loads(row.get("changed_action") or "[]")
    return found


def with_change(row: Mapping[str, Any], action_id: str) -> str:
    """The same in the room's next row, after one more."""
    return orjson.dumps([*changed_by(row), action_id][-_REMEMBERED:]).decode()
