"""Budgets: the most that a session, an agent or a day may take."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

What: TypeAlias = Literal["ticks", "tokens", "cost_usd", "wall_s"]
Scope: TypeAlias = Literal["session", "agent", "tree", "day"]
WHATS: tuple[What, ...] = get_args(What)
_CHAIN = 20  # causes of causes that are looked at

Count = Annotated[int, Field(ge=0, lt=1 << 53, strict=True)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]


class Limits(BaseModel):
    """The most that may be taken; None is no limit.

    **Units**: tokens in and out together, US dollars, seconds spent in ticks.
    """

    model_config = ConfigDict(extra="forbid")

    ticks: Count | None = None
    tokens: Count | None = None
    cost_usd: Amount | None = None
    wall_s: Amount | None = None

    def given(self) -> dict[str, float]:
        return {what: limit for what in WHATS if (limit := getattr(self, what)) is not None}


class Budget(BaseModel):
    """Limits of a new session: of its own life, of all sessions of its agent, of its whole tree,
    of each UTC day.
    """

    model_config = ConfigDict(extra="forbid")

    session: Limits | None = None
    agent: Limits | None = None
    tree: Limits | None = None
    day: Limits | None = None


class SetBudget(Limits):
    """Guidance that every agent takes: the limits that are named change, null removes one."""

    type: Literal["set_budget"]
    scope: Scope

    @model_validator(mode="after")
    def _names_a_limit(self) -> "SetBudget":
        if not self.changes():
            raise ValueError(f"no limit is named; expected one of {', '.join(WHATS)}")
        return self

    def changes(self) -> dict[str, float | None]:
        return {what: getattr(self, what) for what in WHATS if what in self.model_fields_set}


class BudgetSpentError(Exception):
    """A limit leaves no room for a model call; `held` is what the session's log says of it."""

    def __init__(self, held: dict[str, Any]) -> None:
        super().__init__(f"budget: {held['text']}")
        self.held = held


def spent_in(error: BaseException) -> BudgetSpentError | None:
    """The spent budget that led to this error; agents and task groups may have wrapped it."""
    found = [error]
    for each in found:
        if isinstance(each, BudgetSpentError):
            return each
        if len(found) < _CHAIN:
            parts = each.exceptions if isinstance(each, BaseExceptionGroup) else ()
            found += [e for e in (*parts, each.__cause__, each.__context__) if e is not None]
    return None


def same_limit(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """True if both are the same limit of the same scope."""
    return all(one[part] == other[part] for part in ("scope", "what", "limit"))


def describe(held: Mapping[str, Any], needs: float, kept: float) -> str:
    """A limit that is reached, in words; `kept` is held back for calls in flight."""
    where = "the worker's day" if held["scope"] == "worker" else held["scope"]
    what = held["what"]
    name, show = _WORDS[what]
    text = f"{where} {name} {show(held['spent'], held['limit'])} spent"
    if needs:
        text += f", the next call may need {_plain(what, needs)}"
    if kept:
        text += f", {_plain(what, kept)} held back for calls in flight"
    return text


def _usd(limit: float) -> str:
    text = f"{limit:.2f}"
    return f"${text if float(text) == limit else f'{limit:.6g}'}"


def _plain(what: str, amount: float) -> str:
    return f"${amount:.4f}" if what == "cost_usd" else f"{amount:g}"


_WORDS: dict[str, tuple[str, Any]] = {
    "ticks": ("ticks", lambda spent, limit: f"{spent} of {limit}"),
    "tokens": ("tokens", lambda spent, limit: f"{spent} of {limit}"),
    "cost_usd": ("cost", lambda spent, limit: f"${spent:.4f} of {_usd(limit)}"),
    "wall_s": ("time", lambda spent, limit: f"{spent:.1f} s of {limit:g} s"),
}
