"""A tool's policy: how risky it is, and what it may cost; set by code, never lowered by a model."""

from dataclasses import dataclass, field
from enum import IntEnum


class Risk(IntEnum):
    """How much harm a call can do."""

    low = 0
    medium = 1
    high = 2

    @classmethod
    def named(cls, name: "str | Risk") -> "Risk":
        """The risk of this name. Raises: ValueError."""
        if isinstance(name, Risk):
            return name
        try:
            return cls[name]
        except KeyError:
            raise ValueError(f"no risk {name!r}; expected {', '.join(cls.__members__)}") from None


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls in so many seconds."""

    calls: int
    per_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds of a tool's calls.

    `idempotent`: a call may be made again with the same key, so retries and a crash do it again;
    others are never repeated. `cancellable`: it can be given up in the middle. `outward`: it sends
    something out, so it counts one risk higher once material from outside has come in. Times are in
    seconds, `money_usd` is what a call costs.
    """

    risk: Risk = Risk.low
    timeout_s: float = 30.0
    idempotent: bool = False
    cancellable: bool = True
    outward: bool = False
    brings_in: bool = False
    """Its result is material from outside: nobody vouches for what it says."""
    attempts: int = 3
    """Tries of a call that is idempotent; any other is tried once."""
    rate: Rate | None = None
    breaker_failures: int = 5
    breaker_open_s: float = 30.0
    money_usd: float = 0.0
    max_result_bytes: int = 1 << 20
    at_once: int = field(default=8)
    """Calls of this tool that run at the same time."""
