"""The end of a task as a value, made of whatever its action returns."""

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

from reins.plans.json_value import as_json
from reins.plans.nodes import KINDS, Node
from reins.plans.result import Err, Fault, Ok, words_of
from reins.plans.state import State
from reins.plans.writer import Writer

_NODES = tuple(KINDS.values())
_WORDS = 4_000


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens, money and tasks that were spent."""

    tokens: int = 0
    cost_usd: float = 0.0
    tasks: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.tokens + other.tokens, self.cost_usd + other.cost_usd, self.tasks + other.tasks
        )

    def as_json(self) -> dict[str, Any]:
        """The same as JSON holds it."""
        return {"tokens": self.tokens, "cost_usd": self.cost_usd, "tasks": self.tasks}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a task that succeeded: the state that it leaves, lines said, what was spent."""

    state: Any
    said: tuple[str, ...] = ()
    spent: Spent = Spent()


@dataclass(frozen=True, slots=True)
class Failure:
    """The end of a task that failed. Its fault gets the path of the task."""

    fault: Fault
    said: tuple[str, ...] = ()
    spent: Spent = Spent()


@dataclass(frozen=True, slots=True)
class Replaced:
    """The end of a task whose action returned a plan, which takes its place."""

    plan: Node
    said: tuple[str, ...] = ()
    spent: Spent = Spent()


@dataclass(frozen=True, slots=True)
class Alarm:
    """The time of a node is over: its timeout, or its wait before another attempt."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Another item of a `choose` is to run, by its place from 0: somebody says so."""

    item: int


End: TypeAlias = Outcome | Failure | Replaced
Event: TypeAlias = End | Alarm | Chosen


def outcome_of(
    returned: object, state: Any, said: tuple[str, ...] = (), spent: Spent | None = None
) -> End:
    """The end of a task of what its action returned; `state` is the one that it was given.

    A state, `Ok`, `Err`, `Writer`, `State`, `Outcome` and a plan count as they say, also within
    each other. What was said and spent through `ctx` comes first.
    """
    so_far = spent or Spent()
    match returned:
        case Ok(value) if value is not None:
            inner: object = value
        case Writer(value, lines):
            inner, said = value, (*said, *map(words_of, lines))
        case State():
            inner = returned.run(state)[1]
        case Outcome():
            if wrong := wrong_in(returned.spent):
                return Failure(Fault("action", wrong), said, so_far)
            inner, said = returned.state, (*said, *map(words_of, returned.said))
            so_far += returned.spent
        case _:
            return _plain(returned, said, so_far)
    return outcome_of(inner, state, said, so_far)


def _plain(returned: object, said: tuple[str, ...], spent: Spent) -> End:
    """The end of what wraps nothing."""
    if isinstance(returned, Err):
        error = returned.error
        return Failure(error if isinstance(error, Fault) else failed(error), said, spent)
    if returned is None:
        words = "it returned None; return the new state, or Ok(None) for null"
        return Failure(Fault("action", words), said, spent)
    if isinstance(returned, _NODES):
        return Replaced(returned, said, spent)
    try:
        return Outcome(as_json(None if isinstance(returned, Ok) else returned), said, spent)
    except ValueError as error:
        return Failure(Fault("action", str(error)), said, spent)


def failed(error: object) -> Fault:
    """The fault of what an action raised, or of the error that it returned."""
    if isinstance(error, BaseException):
        told = f"{type(error).__name__}: {words_of(error)}"
        return Fault("action", told[:_WORDS].rstrip(": "))
    return Fault("action", words_of(error)[:_WORDS])


def wrong_in(spent: Spent) -> str | None:
    """The words for what cannot be counted; None where all can."""
    tokens, cost_usd = spent.tokens, spent.cost_usd
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 0:
        return f"it spent {tokens!r:.80} tokens; expected a whole number from 0"
    is_number = isinstance(cost_usd, int | float) and not isinstance(cost_usd, bool)
    if not is_number or not math.isfinite(cost_usd) or cost_usd < 0:
        return f"it spent {cost_usd!r:.80} US dollars; expected a finite number from 0"
    return None
