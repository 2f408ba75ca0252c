"""A bridge for plans written for LambdaCat: its names and their meaning, and none of its code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from reins.plans import compiling
from reins.plans.actions import Action, Actions
from reins.plans.building import Plan
from reins.plans.compiling import AggregateFunction, ChooseFunction
from reins.plans.lenses import Lens
from reins.plans.pool import Pool
from reins.plans.program import Program
from reins.plans.result import Ok
from reins.plans.run import run_plan

S = TypeVar("S")
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A plan as a function from a state to the state that it leaves.

    `program` is what `run_plan_async` and all else of `reins.plans` take. `threads` do the actions
    that are not async: one by default, so that functions which share something are not called two
    at once.
    """

    program: Program
    threads: int = 1

    def __call__(self, state: Any, ctx: Any = None) -> Any:
        """The state that the plan leaves; `ctx` is what its actions `(x, ctx)` are given.

        Raises: PlanFailedError where the plan fails; PlanError for a state that is not JSON, and
        inside of an event loop.
        """
        pool = Pool(self.threads)
        try:
            return run_plan(self.program, state, pool=pool, guidance=ctx).state
        finally:
            pool.close()


def compile_plan(
    actions: Actions | Mapping[str, Callable[..., Any]],
    plan: Plan,
    *,
    choose_fn: ChooseFunction | None = None,
    aggregate_fn: AggregateFunction | None = None,
    threads: int = 1,
) -> Compiled:
    """The plan as a function. `actions` keep their meaning: `ctx` is the caller's, None a state.

    A `choose` does all its items and `choose_fn` gives the place of one; a `parallel` gives the
    list of its states to `aggregate_fn`. Raises: PlanError.
    """
    given = actions if isinstance(actions, Actions) else Actions(actions)
    program = compiling.compile_plan(
        _adapted(given), plan, choose_fn=choose_fn, aggregate_fn=aggregate_fn
    )
    return Compiled(program, threads)


def optic(get: Callable[[S], A], set: Callable[[A, S], S]) -> Lens[S, A]:  # noqa: A002
    """A lens of a pair whose `set` takes the value first, and then the state."""
    return Lens(get, lambda state, value: set(value, state))


def _adapted(given: Actions) -> Actions:
    made = Actions()
    for action in given.actions.values():
        made.register(action.name, _function_of(action), limit=action.limit)
    made.functions |= given.functions
    made.lenses |= given.lenses
    made.nodes |= given.nodes
    made.rates |= given.rates
    return made


def _function_of(action: Action) -> Callable[..., Any]:
    def called(state: Any, ctx: Any) -> Any:
        return action.function(state, ctx.guidance) if action.takes_context else (
            action.function(state)
        )  # fmt: skip

    async def awaited(state: Any, ctx: Any) -> Any:
        return _state(await called(state, ctx))

    return awaited if action.is_async else lambda state, ctx: _state(called(state, ctx))


def _state(returned: Any) -> Any:
    return Ok(None) if returned is None else returned
