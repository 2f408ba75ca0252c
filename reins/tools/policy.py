"""A tool's policy: how risky it is, and what it may cost; set by code, never lowered by a model."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from reins.tools.context import Context


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


Riskier = Callable[[Mapping[str, Any], Context], Iterable[tuple[Risk, str]]]
"""Reasons that make a call with these arguments riskier than its tool, each with its risk."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls in so many seconds; as many may go at once."""

    calls: int
    per_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds of a tool's calls.

    `idempotent`: a call may be made again with the same key, so retries and a crash do it again;
    others are never repeated. `cancellable`: it can be given up in the middle. `killable`: one that
    is given up is ended with all that it started, as a command is; only what it did until then
    stays, while of any other nobody knows. `outward`: it sends
    something out, so it counts one risk higher once material from outside has come in.
    `brings_in`: its result is such material, for which nobody vouches. `attempts` are the tries of
    a call that is idempotent; any other is tried once. `rate` and `at_once` bound all calls of the
    tool on one loop. After `breaker_failures` failures in a row no call is made for
    `breaker_open_s`. `money_usd` is what a call costs.
    """

    risk: Risk = Risk.medium
    why: str = ""
    """The reason for the risk, in a few words."""
    riskier: Riskier | None = None
    timeout_s: float = 30.0
    idempotent: bool = False
    cancellable: bool = True
    killable: bool = False
    outward: bool = False
    brings_in: bool = False
    attempts: int = 3
    rate: Rate | None = None
    at_once: int = 8
    breaker_failures: int | None = 5
    breaker_open_s: float = 30.0
    money_usd: float = 0.0

    def risk_of(
        self, arguments: Mapping[str, Any], context: Context | None = None
    ) -> tuple[Risk, list[str]]:
        """The risk of a call with these arguments, never below the tool's own, and the reasons."""
        risk, reasons = self.risk, [self.why] if self.why else []
        if self.riskier is not None:
            for raised, reason in self.riskier(arguments, context or Context()):
                risk = max(risk, raised)
                reasons.append(reason)
        return risk, reasons
