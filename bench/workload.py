"""A benchmark: its module and arguments, and which of its figures stand in the table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: where it stands in what a run returns, its unit and its goal."""

    label: str
    path: str
    unit: str
    goal: float | None = None
    less: bool = False
    """Less is better."""

    def bounds(self, found: Mapping[str, Any]) -> tuple[float, float, float] | None:
        """The figure of one run between its bounds: those of its interval, where it has one."""
        at: Any = found
        for name in self.path.split("."):
            at = at.get(name) if isinstance(at, Mapping) else None
        if isinstance(at, Mapping):
            return float(at["low"]), float(at["mean"]), float(at["high"])
        return None if at is None else (float(at), float(at), float(at))

    def ratio(self, value: float) -> float | None:
        """How far the goal is met: 1 is met, more is better; None without a goal."""
        if self.goal is None:
            return None
        over, under = (self.goal, value) if self.less else (value, self.goal)
        return over / under if under else float(over == 0) or None


@dataclass(frozen=True, slots=True)
class Workload:
    """A module of `bench` with `run`, its arguments, and what `--quick` changes of them."""

    module: str
    arguments: Mapping[str, Any]
    quick: Mapping[str, Any]
    figures: tuple[Figure, ...]
    rounds: int = 3
    contest: bool = False
    """Floors do the same work in the same round, and peers where they are asked for."""


@dataclass(slots=True)
class Measured:
    """Returned by the rounds of a workload, or the reason that one returned nothing."""

    rounds: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None

    def lines(self, name: str, workload: Workload) -> list[dict[str, Any]]:
        """The table's lines: the median of the rounds with the least and the most."""
        lines = [self._line(name, each) for each in workload.figures]
        if workload.contest:  # who did not take part
            lines = [line for line in lines if line["rounds"]] or lines[:1]
        return lines

    def _line(self, name: str, figure: Figure) -> dict[str, Any]:
        found = [bounds for each in self.rounds if (bounds := figure.bounds(each)) is not None]
        middle = median(value for _, value, _ in found) if found else None
        return {
            "workload": name,
            "figure": figure.label,
            "unit": figure.unit,
            "median": middle,
            "least": min((low for low, _, _ in found), default=None),
            "most": max((high for _, _, high in found), default=None),
            "rounds": len(found),
            "goal": figure.goal,
            "better": "less" if figure.less else "more",
            "ratio": None if middle is None else figure.ratio(middle),
            "error": self.error,
        }
