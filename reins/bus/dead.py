"""Dead letters that wait, by topic and subscriber: what a person may have given again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from store import dead_letters
from store.reading import Reader
from store.times import iso

_TEXT_CHARS = 300


@dataclass(frozen=True, slots=True)
class DeadCause:
    """The dead letters of one topic and subscriber, the oldest first; `error` is the newest one's.

    `replay` is the act for each: `queue_imp.dead_letter_replay(letter_id, …)`.
    """

    topic: str
    session_id: str
    agent_id: str
    since: str
    error: str
    letter_ids: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.letter_ids)

    def row(self) -> dict[str, Any]:
        """Everything but the letters, as JSON has it: the shell and the page say the same."""
        many = "a message" if self.count == 1 else f"{self.count} messages"
        return {
            "kind": "dead",
            "key": f"dead:{self.topic}:{self.session_id}",
            "text": f"{self.session_id} could not use {many} of {self.topic}: {self.error}",
            "since": self.since,
            "count": self.count,
            "topic": self.topic,
            "session_id": self.session_id,
            "agent_id": self.agent_id,
            "error": self.error,
            "act": "replay",
        }


def dead_causes(*, store: Reader | None = None) -> list[DeadCause]:
    """The dead letters that wait, the largest cause first."""
    by_cause: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in dead_letters.list_dead_letters(store=store):
        by_cause.setdefault((row["topic"], row["session_id"]), []).append(row)
    causes = [_cause(topic, session_id, rows) for (topic, session_id), rows in by_cause.items()]
    return sorted(causes, key=lambda each: (-each.count, each.topic, each.session_id))


def _cause(topic: str, session_id: str, rows: Iterable[Mapping[str, Any]]) -> DeadCause:
    ordered = sorted(rows, key=lambda row: (iso(row["buried_at"]) or "", row["letter_id"]))
    newest = ordered[-1]
    return DeadCause(
        topic=topic,
        session_id=session_id,
        agent_id=newest["agent_id"],
        since=iso(ordered[0]["buried_at"]) or "",
        error=" ".join(str(newest["error"]).split())[:_TEXT_CHARS],
        letter_ids=tuple(row["letter_id"] for row in ordered),
    )
