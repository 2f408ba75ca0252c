"""A count of runs, with how they ended, how long they took and what they cost."""

from dataclasses import dataclass, field, replace


@dataclass(slots=True)
class Tally:
    """Sums over runs. **Units**: seconds, US dollars."""

    runs: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    abandoned: int = 0
    retries: int = 0
    wall_s: float = 0.0
    times: list[float] = field(default_factory=list)
    tokens: int = 0
    cost_usd: float = 0.0

    def add(self, end: str, took_s: float | None, *, retries: int = 0) -> None:
        """Count a run by its end, the name of a field; None: nobody knows how long it took."""
        self.runs += 1
        setattr(self, end, getattr(self, end) + 1)
        self.retries += retries
        if took_s is not None:
            self.wall_s += took_s
            self.times.append(took_s)

    def waited(self, took_s: float) -> None:
        """Count a run that neither succeeds nor fails."""
        self.runs += 1
        self.went_on(took_s)
        self.times.append(took_s)

    def went_on(self, took_s: float) -> None:
        """Add time of a run that is counted elsewhere."""
        self.wall_s += took_s

    def spend(self, tokens: int, cost_usd: float) -> None:
        self.tokens += tokens
        self.cost_usd += cost_usd

    def take(self, other: "Tally") -> None:
        """Add another's runs and sums."""
        for name in ("runs", "succeeded", "failed", "cancelled", "abandoned", "retries", "wall_s",
                     "tokens", "cost_usd"):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.times += other.times

    def with_wall(self, wall_s: float) -> "Tally":
        """The same over another time."""
        return replace(self, wall_s=wall_s)
