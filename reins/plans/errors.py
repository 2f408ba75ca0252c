"""Errors of plans: one for a plan that cannot be used, one for a plan that ended in a fault."""

from collections.abc import Iterable

from reins.plans.result import Fault

_SHOWN = 20


def listed(lines: Iterable[str]) -> str:
    """The lines of a message, the first twenty, and how many there are beyond."""
    every = list(lines)
    more = [f"… and {len(every) - _SHOWN} more"] if len(every) > _SHOWN else []
    return "\n".join([*every[:_SHOWN], *more])


class PlanError(ValueError):
    """A plan, or a part that it names, cannot be used; the message says where and what to do."""


class PlanNameError(PlanError):
    """A plan names what its actions do not have. `found`: each place, as in JSON, and the words."""

    def __init__(self, found: "tuple[tuple[tuple[str | int, ...], str], ...]") -> None:
        lines = (": ".join(filter(None, (".".join(map(str, at)), words))) for at, words in found)
        super().__init__(listed(lines))
        self.found = found


class PlanFailedError(Exception):
    """A plan ended in a fault, and its state was asked for."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault
