"""How much harm a call can do, as rules and approvals know it: only ever raised."""

from collections.abc import Sequence
from typing import get_args

from agent_core.session.decisions import Risk

RISKS: tuple[Risk, ...] = get_args(Risk)
"""From the lowest to the highest."""
OUTSIDE = "it sends something out after material from outside has come in"


def raised(risk: Risk, to: Risk) -> Risk:
    """The higher of both."""
    return max(risk, to, key=RISKS.index)


def with_outside(
    risk: Risk, reasons: Sequence[str], *, outward: bool, outside: bool
) -> tuple[Risk, list[str]]:
    """The risk of a call, and the reasons for it, once material from outside may steer the agent.

    `outward`: the tool sends something out. `outside`: such material has come in. Nobody vouches
    for what it says, so such a call counts one risk higher.
    """
    if not (outward and outside):
        return risk, [*reasons]
    higher = RISKS[min(RISKS.index(risk) + 1, len(RISKS) - 1)]
    return higher, [*reasons, OUTSIDE]
