"""The limit that lets a session which is held go on for a useful while, and its limit in words."""

import math
from collections.abc import Mapping
from typing import Any

_CALLS = 10
"""There is room for so many calls like the next one, or for so many ticks as they were."""
_TICKS = 20
_STEPS = (1, 2, 5, 10)
_WHOSE = {
    "session": "Session's", "agent": "Agent's", "tree": "Tree's", "day": "Day's",
    "worker": "The worker's day:",
}  # fmt: skip
_NAMES = {"ticks": "ticks", "tokens": "tokens", "cost_usd": "cost", "wall_s": "time"}


def next_call(held: Mapping[str, Any]) -> float:
    """The amount that the next call may need of what the limit counts; 0 where it is not known."""
    return float((held.get("needs") or {}).get(held["what"], 0.0))


def enough(held: Mapping[str, Any]) -> float:
    """A round limit with room for a useful while beyond what is spent and held back."""
    per_tick = 1.0 if held["what"] == "ticks" else float(held.get("per_tick") or 0.0)
    room = max(next_call(held) * _CALLS, per_tick * _TICKS) or held["limit"] or 1.0
    return _round_up(max(held["limit"], held["spent"] + float(held.get("kept") or 0.0)) + room)


def at_limit(held: Mapping[str, Any]) -> str:
    """Where it stands, and what comes next: Session's cost at $0.0009, next call ≈ $0.0044."""
    what, need = held["what"], next_call(held)
    spent, limit = amount(what, held["spent"]), amount(what, held["limit"])
    text = f"{_WHOSE[held['scope']]} {_NAMES[what]} at {spent} of {limit}"
    return text + (f", next call ≈ {amount(what, need)}" if need else "")


def amount(what: str, value: float) -> str:
    """An amount with its unit: $0.0044, 440, 12.5 s."""
    match what:
        case "cost_usd":
            return f"${value:.2f}" if value >= 1 else f"${value:.4f}"
        case "wall_s":
            return f"{value:.1f} s"
    return f"{value:,.0f}"


def _round_up(value: float) -> float:
    """To 1, 2 or 5 and zeros, as a person would write it."""
    scale = 10.0 ** math.floor(math.log10(value))
    step = next(step for step in _STEPS if step * scale >= value * (1 - 1e-9))
    return float(f"{step * scale:.1g}")
