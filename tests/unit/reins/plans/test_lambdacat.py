"""The bridge for plans of LambdaCat, and what its later version did, which is not so here."""

import asyncio
import threading
import time

import pytest

from reins.plans import (
    Actions,
    PlanError,
    PlanFailedError,
    best_of,
    check_laws,
    choose,
    focus,
    parallel,
    race,
    run_plan,
    run_plan_async,
)
from reins.plans import compile_plan as compiled
from reins.plans.lambdacat import compile_plan, optic


def fails(_x):
    raise ValueError("no")


def test_an_action_gets_the_callers_ctx():
    """And no ctx is None."""
    run = compile_plan({"add": lambda x, ctx: x + (ctx or 1)}, "add")
    assert (run(1, 10), run(1)) == (11, 2)


def test_none_is_a_state():
    """Async or not; without the bridge it is a mistake."""

    async def forgets(_x):
        return None

    assert compile_plan({"f": lambda _x: None}, "f")(1) is None
    assert compile_plan({"f": forgets}, "f")(1) is None
    with pytest.raises(PlanFailedError, match="returned None"):
        _ = run_plan(compiled(Actions({"f": forgets}), "f"), 1).state


def test_a_registry_comes_with_all_it_has():
    """Functions, lenses, rates and limits go along; the registry itself stays as it was."""
    actions = Actions({"inc": lambda x: x + 1})
    actions.function("first", lambda _x: 0)
    actions.lens("n", optic(lambda x: x["n"], lambda value, x: {**x, "n": value}))
    actions.rate("slow", 5)
    actions.register("held", lambda x: x, limit="slow")
    run = compile_plan(actions, focus("n", choose("inc", "held", selector="first")))
    assert run({"n": 1}) == {"n": 2}
    assert run.program.actions.get("held").limit == "slow"
    assert actions.get("inc").takes_context is False


def test_an_optic_keeps_the_laws():
    check_laws(optic(lambda x: x["n"], lambda value, x: {**x, "n": value}), {"n": 1}, 2)


def test_functions_that_share_something_are_not_called_two_at_once():
    """Unless more threads are asked for."""
    inside, most = [], []

    def share(x):
        inside.append(x)
        most.append(len(inside))
        time.sleep(0.02)
        inside.pop()
        return x

    compile_plan({"share": share}, parallel(*["share"] * 6), aggregate_fn=len)(1)
    assert max(most) == 1

    both = threading.Barrier(2, timeout=10)
    meets = compile_plan({"m": lambda x: (both.wait(), x)[1]}, parallel("m", "m"), threads=2)
    assert meets(1) == 1


async def test_inside_of_an_event_loop_its_program_is_awaited():
    run = compile_plan({"inc": lambda x: x + 1}, "inc")
    with pytest.raises(PlanError, match="await run_plan_async"):
        run(1)
    assert (await run_plan_async(run.program, 1)).state == 2


def test_a_failure_is_raised_with_its_path():
    run = compile_plan({"fails": fails}, parallel("fails"), aggregate_fn=sum)
    with pytest.raises(PlanFailedError, match="/0: ValueError: no"):
        run(1)


LATER = Actions({"one": lambda x: x + 1, "ten": lambda x: x + 10, "fails": fails})


@LATER.action
async def slow(x):
    SWALLOWED.append("began")
    await asyncio.sleep(30)
    SWALLOWED.append("went on")
    return x


SWALLOWED: list[str] = []


def test_a_failing_branch_wins_no_race():
    assert run_plan(compiled(LATER, race("fails", "one")), 1).state == 2


def test_a_branch_of_a_cancelled_race_does_not_run_on():
    SWALLOWED.clear()
    done = run_plan(compiled(LATER, race("slow", "one")), 1)
    assert (done.state, done.cancelled, SWALLOWED) == (2, ("/0",), ["began"])


def test_the_best_is_not_the_quickest():
    assert run_plan(compiled(LATER, best_of("one", "ten", evaluator=float)), 1).state == 11


def test_a_choose_is_no_race():
    """A choice of one that fails is a failure, whatever the others would do."""
    plan = choose("fails", "one", selector=lambda _x: 0)
    assert "ValueError" in str(run_plan(compiled(LATER, plan), 1).result.error)
    with pytest.raises(PlanError, match="choose_fn"):
        compiled(LATER, choose("one", "ten"))
