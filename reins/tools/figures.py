"""Counters and times of a tool's calls: counted on the loop, read from any thread."""

from dataclasses import dataclass, field

from reins.recent import Recent


@dataclass(slots=True)
class ToolFigures:
    """Calls of one tool by how they ended, and how long they took with all their tries."""

    outcomes: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    attempts: int = 0
    recent_s: Recent = field(default_factory=Recent)

    def ended(self, outcome: str, took_s: float, attempts: int) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        self.seconds += took_s
        self.attempts += attempts
        if outcome == "ok":
            self.recent_s.add(took_s)
