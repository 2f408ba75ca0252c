"""Which of several plans to go on with: what an end is worth, and the plan whose end is worth most.

A utility is a score less what it took. It is the evaluator of a `best_of`, or the measure by which
`select` compares plans that each run on a copy of the state.
"""

import asyncio
import inspect
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from reins.plans.errors import PlanError
from reins.plans.json_value import as_json
from reins.plans.lenses import lens
from reins.plans.limiters import Limiters
from reins.plans.pool import Pool
from reins.plans.program import Program
from reins.plans.result import Ok
from reins.plans.run import blocking, run_plan_async
from reins.plans.running import GRACE_S, PlanRun

FIGURES = "figures"
"""The key of a state under which `measured` actions keep what they took."""
Score: TypeAlias = Callable[[Any], float | Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Figures:
    """Money, time and tokens that an end took. **Units**: US dollars, seconds; tokens are those of
    prompts and answers together.
    """

    cost_usd: float = 0.0
    latency_s: float = 0.0
    tokens: int = 0

    @classmethod
    def kept_in(cls, state: Any) -> "Figures":
        """Those that `measured` actions have kept in a state; none are nothing."""
        kept = state.get(FIGURES) if isinstance(state, dict) else None
        if kept is None:
            return cls()
        try:
            return cls(**{name: _number(name, value) for name, value in kept.items()})  # type: ignore[arg-type]
        except (TypeError, AttributeError):
            raise PlanError(
                f"the state's {FIGURES!r} are {kept!r:.80}; expected cost_usd, latency_s and tokens"
            ) from None

    def as_json(self) -> dict[str, Any]:
        """The same as a state keeps it."""
        return {"cost_usd": self.cost_usd, "latency_s": self.latency_s, "tokens": self.tokens}

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.cost_usd + other.cost_usd,
            self.latency_s + other.latency_s,
            self.tokens + other.tokens,
        )


@dataclass(frozen=True, slots=True)
class Utility:
    """A score, less `per_usd` · US dollars, `per_s` · seconds and `per_token` · tokens.

    `score` is a function of the state, or the path of a number in it; without one it is 0, and the
    cheapest or quickest wins. An async one (`by_model`) is for `select` alone. The other fields are
    what a dollar, a second and a token take away. Raises: PlanError for one that is below 0.
    """

    score: Score | str | None = None
    per_usd: float = 0.0
    per_s: float = 0.0
    per_token: float = 0.0

    def __post_init__(self) -> None:
        for name in ("per_usd", "per_s", "per_token"):
            value = _number(name, getattr(self, name))
            if value < 0:
                raise PlanError(f"{name} is {value:g}; expected 0 or more: it is taken away")

    def __call__(self, state: Any) -> float:
        """The utility of a state, with what `measured` actions took: the evaluator of a `best_of`.

        Raises: PlanError for a score that is no finite number, or async.
        """
        score = self.score_of(state)
        if inspect.isawaitable(score):
            if inspect.iscoroutine(score):
                score.close()
            raise PlanError(
                "an evaluator is called while an event is folded in, and cannot wait; let a task "
                "(judge) put the score into the state, and name its path"
            )
        return self.of(_number("the score", score), Figures.kept_in(state))

    def score_of(self, state: Any) -> float | Awaitable[float]:
        """The score of a state, as its function or its place in the state gives it."""
        if self.score is None:
            return 0.0
        if not isinstance(self.score, str):
            return self.score(state)
        found: float = lens(self.score).get(state)
        return found

    def of(self, score: float, figures: Figures) -> float:
        """The utility of a score, and of what it took."""
        return score - sum(loss for loss, _ in self._losses(figures))

    def why(self, score: float, figures: Figures) -> str:
        """The sum in words."""
        less = [f"less {loss:.4g} for {words}" for loss, words in self._losses(figures) if loss]
        return ", ".join([f"score {score:.4g}", *less])

    def _losses(self, figures: Figures) -> list[tuple[float, str]]:
        return [
            (self.per_usd * figures.cost_usd, f"${figures.cost_usd:.4f}"),
            (self.per_s * figures.latency_s, f"{figures.latency_s:.3g} s"),
            (self.per_token * figures.tokens, f"{figures.tokens} tokens"),
        ]


@dataclass(frozen=True, slots=True)
class Scored:
    """The end of a candidate, and what it is worth; `utility` is None of one that has none.

    `state` is the one that it left, None where it failed; `why` is the sum in words, or the fault.
    """

    candidate: str
    utility: float | None
    score: float | None
    cost_usd: float
    latency_s: float
    tokens: int
    why: str
    state: Any = None


@dataclass(frozen=True, slots=True)
class Selected:
    """The candidate that was chosen, None where none has a utility; and all, in their order."""

    chosen: Scored | None
    scored: tuple[Scored, ...]


def best(scored: Iterable[Scored]) -> Scored | None:
    """The one with the greatest utility, of several the first; None where none has one."""
    found: Scored | None = None
    for each in scored:
        if each.utility is None:
            continue
        if found is None or found.utility is None or each.utility > found.utility:
            found = each
    return found


def select(
    candidates: Mapping[str, Program], state: Any, utility: Utility, *, grace_s: float = GRACE_S
) -> Selected:
    """Run candidates and choose, in an event loop of its own; see `select_async`.

    Raises: PlanError inside of an event loop, which it would block.
    """
    return blocking("select", select_async(candidates, state, utility, grace_s=grace_s), grace_s)


async def select_async(
    candidates: Mapping[str, Program], state: Any, utility: Utility, *, grace_s: float = GRACE_S
) -> Selected:
    """Run each candidate on a copy of the state, side by side, and choose by utility.

    One that fails, or whose score cannot be had, is on record without a utility. Of equal ones the
    first in the order of the candidates wins: the order in which they end plays no part. Latency
    is that of a run beside the others. Money that a score takes is not the candidate's. Raises:
    PlanError without candidates, and for a state that is not JSON.
    """
    if not candidates:
        raise PlanError("there are no candidates; give at least one, by its name")
    try:
        given = as_json(state)
    except ValueError as error:
        raise PlanError(str(error)) from None
    contest = _Contest(utility, grace_s)
    try:
        scored = await asyncio.gather(
            *(contest.scored(name, program, given) for name, program in candidates.items())
        )
    finally:
        contest.pool.close()
    return Selected(best(scored), tuple(scored))


class _Contest:
    """Runs of candidates that share threads and, where they share a registry, its rates."""

    def __init__(self, utility: Utility, grace_s: float) -> None:
        self.pool = Pool()
        self._utility = utility
        self._grace_s = grace_s
        self._limiters: dict[int, Limiters] = {}

    async def scored(self, name: str, program: Program, state: Any) -> Scored:
        """The end of one candidate, whatever it is."""
        actions = program.actions
        rates = self._limiters.setdefault(id(actions), Limiters(actions.rates))
        began = time.perf_counter()
        run = await run_plan_async(
            program, state, pool=self.pool, limiters=rates, grace_s=self._grace_s
        )
        took_s = time.perf_counter() - began
        figures = Figures(run.spent.cost_usd, took_s, run.spent.tokens)
        score, why = await _score(run, self._utility, figures)
        return Scored(
            name,
            None if score is None else self._utility.of(score, figures),
            score,
            figures.cost_usd,
            figures.latency_s,
            figures.tokens,
            why,
            run.result.value if isinstance(run.result, Ok) else None,
        )


async def _score(run: PlanRun, utility: Utility, figures: Figures) -> tuple[float | None, str]:
    """The score of a run, None where it has none; and why it is what it is."""
    if not isinstance(run.result, Ok):
        return None, f"it failed at {run.result.error}"
    try:
        found = utility.score_of(as_json(run.result.value))
        score = _number("the score", await found if inspect.isawaitable(found) else found)
    except Exception as error:  # noqa: BLE001 - a function of the user's, on record as it is
        return None, f"it has no score: {type(error).__name__}: {error}"
    return score, utility.why(score, figures)


def _number(what: str, value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise PlanError(f"{what} is {value!r:.80}; expected a finite number")
    number: float = value
    return number
