"""The bounds of a topic: how far its slowest subscriber may be behind, in messages and in time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent_core.actions.topics import WhenFull
from store.topics import topic_id


@dataclass(frozen=True, slots=True)
class Bounds:
    """The unread messages that a topic may have, and the fate of one more."""

    max_unread: int = 1_000_000
    max_age_s: float = 30 * 86_400.0
    when_full: WhenFull = "reject"

    def with_row(self, row: Mapping[str, Any] | None) -> "Bounds":
        """These, but for what a row of `topic_bounds` says."""
        if row is None:
            return self
        return Bounds(
            self.max_unread if row["max_unread"] is None else row["max_unread"],
            self.max_age_s if row["max_age_s"] is None else row["max_age_s"],
            row["when_full"],
        )


@dataclass(frozen=True, slots=True)
class Full:
    """A topic that has no room: `fits` more messages do. `slowest` is who holds it up."""

    topic: str
    when_full: WhenFull
    fits: int
    slowest: str
    text: str


class TopicFullError(Exception):
    """A message was not published: a subscriber is too far behind.

    With `waits_for` the tick that publishes waits for room; else it has failed.
    """

    def __init__(self, full: Full, *, waits: bool = False) -> None:
        super().__init__(full.text)
        self.waits_for = "topic" if waits else None
        self.routes = (topic_id(full.topic),)
        self.shared_cause = (f"topic full: {full.topic}", full.text, None)
