"""Permission: the calls that may run, that a person is asked about, that code refuses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agents_impl.task.models import Approvals, Rejection, Risk

_RISKS: tuple[Risk, ...] = ("low", "medium", "high")
_RUNS_UP_TO: dict[Approvals, int] = {"ask": 0, "ask_all": -1, "allow_medium": 1, "deny": 0}


@dataclass(frozen=True, slots=True)
class Permit:
    """May the call be made? `why` is said to the model where it is refused, or of the rule."""

    verdict: Literal["run", "ask", "deny"]
    why: str = ""


def permit(
    risk: Risk, approvals: Approvals, rule: Literal["allow", "deny"] | None = None
) -> Permit:
    """By the session's configuration and the rules of people; a rule that denies wins.

    A rule never lets a call of high risk go.
    """
    if rule == "deny":
        return Permit("deny", "a rule denies such calls; find another way")
    if _RISKS.index(risk) <= _RUNS_UP_TO[approvals]:
        return Permit("run")
    if approvals == "deny":
        return Permit("deny", f"calls of {risk} risk are not allowed here; find another way")
    if rule == "allow" and risk != "high":
        return Permit("run", "a rule allows such calls")
    return Permit("ask")


def rejected_before(call_hash: str, rejections: Sequence[Rejection]) -> Rejection | None:
    """The rejection of this very call, which code refuses from then on."""
    return next((each for each in rejections if each.call_hash == call_hash), None)
