"""Utilities, scores by a model, what actions took, and the choice among candidates."""

import asyncio
import threading

import pytest

from reins.plans import (
    Actions,
    Context,
    Err,
    Figures,
    Outcome,
    PlanError,
    Scored,
    Spent,
    Utility,
    Writer,
    best,
    best_of,
    by_model,
    compile_plan,
    judge,
    measured,
    retry,
    run_plan,
    select,
    select_async,
    sequence,
)
from reins.plans.judging import rating


def programs(actions, **plans):
    return {name: compile_plan(actions, plan) for name, plan in plans.items()}


def worth(name, utility):
    return Scored(name, utility, utility, 0.0, 0.0, 0, "")


# -- utilities


def test_a_utility_is_a_score_less_what_it_took():
    """Each weight takes its part, and the words have each part that takes something."""
    utility = Utility(lambda state: state["good"], per_usd=10, per_s=0.5, per_token=0.01)
    took = Figures(cost_usd=0.02, latency_s=2.0, tokens=30)
    assert utility.of(3.0, took) == pytest.approx(3 - 0.2 - 1 - 0.3)
    assert utility.why(3.0, took) == (
        "score 3, less 0.2 for $0.0200, less 1 for 2 s, less 0.3 for 30 tokens"
    )
    assert Utility().why(0.0, took) == "score 0"


def test_a_utility_evaluates_a_state():
    """By function, by path, by what was kept in it, or by nothing."""
    state = {"rate": {"clear": 4}, "figures": {"cost_usd": 0.5, "latency_s": 2.0, "tokens": 0}}
    assert Utility(lambda state: state["rate"]["clear"])(state) == 4
    assert Utility("rate.clear", per_usd=2, per_s=1)(state) == pytest.approx(1.0)
    assert Utility(per_usd=2)(state) == -1.0
    assert Utility(per_usd=2)({}) == Utility(per_s=1)("text") == 0.0


@pytest.mark.parametrize("score", ["7", None, True, float("nan"), float("inf"), [1]])
def test_a_score_that_is_no_finite_number_is_refused(score):
    """With the value that was given."""
    with pytest.raises(PlanError, match=r"the score is .*; expected a finite number"):
        Utility(lambda _state: score)({})


def test_an_async_score_is_no_evaluator():
    """It is refused before it asks anybody, and told how to do it."""
    asked = []

    async def score(_state):
        asked.append(1)
        return 1.0

    with pytest.raises(PlanError, match=r"cannot wait; let a task \(judge\)"):
        Utility(score)({})
    assert not asked


@pytest.mark.parametrize("name", ["per_usd", "per_s", "per_token"])
def test_weights_take_away(name):
    """None gives, and none is no number."""
    with pytest.raises(PlanError, match=f"{name} is -1; expected 0 or more"):
        Utility(**{name: -1})
    with pytest.raises(PlanError, match=f"{name} is 'x'; expected a finite number"):
        Utility(**{name: "x"})


@pytest.mark.parametrize("kept", [7, {"usd": 1}, {"tokens": "x"}])
def test_figures_that_are_none(kept):
    """They are refused with what they were."""
    with pytest.raises(PlanError, match="expected"):
        Figures.kept_in({"figures": kept})


# -- actions that keep what they took


def test_a_best_of_goes_by_what_its_branches_took():
    """The branch that scores highest loses by its price; figures add up over a branch."""
    actions = Actions()

    @actions.action
    @measured
    async def dear(state, ctx):
        ctx.spend(tokens=5, cost_usd=1.0)
        return Writer({**state, "good": 9}, ("dear",))

    @actions.action
    @measured
    def cheap(state):
        return Outcome({**state, "good": 8}, ("cheap",), Spent(2, 0.1))

    plan = best_of(
        sequence("dear", "dear"), sequence("cheap", "cheap"), evaluator=Utility("good", per_usd=2)
    )
    done = run_plan(compile_plan(actions, plan), {})
    figures = done.state["figures"]
    assert (done.state["good"], figures["tokens"]) == (8, 4)
    assert figures["cost_usd"] == pytest.approx(0.2)
    assert figures["latency_s"] > 0
    assert done.spent == Spent(14, pytest.approx(2.2), 4)
    assert sorted(text for _, text in done.said) == ["cheap", "cheap", "dear", "dear"]


def test_a_measured_action_ends_as_it_would():
    """What fails, fails; a returned plan runs; a state that is no object is refused."""
    actions = Actions()
    actions.register("fails", measured(lambda _state: Err("no")))
    actions.register("plans", measured(lambda _state: retry("keeps")))
    actions.register("keeps", lambda state: {**state, "kept": True})
    actions.register("counts", measured(lambda _state: 3))
    assert "no" in str(run_plan(compile_plan(actions, "fails"), {}).result.error)
    assert run_plan(compile_plan(actions, "plans"), {}).state == {"kept": True}
    fault = str(run_plan(compile_plan(actions, "counts"), {}).result.error)
    assert "measured needs a state that is an object, given 3" in fault


async def test_what_was_spent_before_is_not_an_actions_own():
    """An action that calls a measured one has its own account."""
    context = Context("/0", {}, 1, "k")
    context.spend(tokens=7, cost_usd=1.0)

    async def ask(state, ctx):
        ctx.spend(tokens=2, cost_usd=0.5)
        return state

    end = await measured(ask)({}, context)
    assert (end.state["figures"]["tokens"], end.state["figures"]["cost_usd"]) == (2, 0.5)
    assert end.spent == Spent(), "the context has it already"


# -- scores by a model


def asked(answer, prompts=None):
    async def ask(prompt):
        if prompts is not None:
            prompts.append(prompt)
        return answer

    return ask


@pytest.mark.parametrize(
    ("answer", "score"),
    [("7", 0.7), (" 10\n", 1.0), ("0", 0.0), ("7.5/10", 0.75), ("Rating: 8 / 10.", 0.8),
     ("well-made: 9", 0.9)],
)  # fmt: skip
def test_a_rating_is_read(answer, score):
    """A number from 0 to 10, with or without words and "/10"."""
    assert rating(answer) == pytest.approx(score)


@pytest.mark.parametrize("answer", ["", "good", "11", "-3", "between 7 and 8", "1e5", "7/5", "٣"])
def test_an_answer_that_is_no_rating_is_refused(answer):
    """It is not guessed at: two numbers are none, and so is one beyond the scale."""
    with pytest.raises(PlanError, match=r"the model rated .*; expected one number from 0 to 10"):
        rating(answer)


async def test_a_model_sees_the_part_and_the_criterion():
    """As JSON, and nothing of the rest; what is too large is refused before it is sent."""
    prompts = []
    score = by_model(asked("6", prompts), "is it clear?", part="draft")
    assert await score({"draft": "Ötter", "key": "hidden"}) == 0.6
    assert "is it clear?" in prompts[0]
    assert '"Ötter"' in prompts[0]
    assert "hidden" not in prompts[0]
    with pytest.raises(PlanError, match="name a part of the state with part="):
        await score({"draft": "x" * 20_001})
    assert len(prompts) == 1


async def test_a_task_judges_for_an_evaluator():
    """Its score is in the state; without a model it says where there is one."""
    context = Context("/0", {}, 1, "k", ask=asked("9"))
    assert await judge("clear?", to="clear")({"text": "a"}, context) == {"text": "a", "clear": 0.9}
    with pytest.raises(PlanError, match="works in a session of type plan"):
        await judge("clear?")({}, Context("/0", {}, 1, "k"))


# -- selection


def actions_of():
    actions = Actions()

    @actions.action
    def grow(state):
        state["n"] += 1
        return state

    @actions.action
    async def ask(state, ctx):
        ctx.spend(tokens=100, cost_usd=0.5)
        return {**state, "n": 10}

    @actions.action
    def fail(_state):
        raise ValueError("no way")

    return actions


def test_the_best_of_several_with_all_their_figures():
    """Each has its own copy; a failure is on record and is never chosen."""
    state = {"n": 1}
    found = select(
        programs(actions_of(), fails="fail", twice=sequence("grow", "grow"), asks="ask"),
        state,
        Utility("n", per_usd=20),
    )
    fails, twice, asks = found.scored
    assert found.chosen is twice
    assert (twice.state, state) == ({"n": 3}, {"n": 1})
    assert (twice.utility, twice.score, twice.why) == (3, 3, "score 3")
    assert (asks.utility, asks.score) == (0.0, 10)
    assert (asks.cost_usd, asks.tokens) == (0.5, 100)
    assert asks.why == "score 10, less 10 for $0.5000"
    assert all(each.latency_s > 0 for each in found.scored)
    assert (fails.utility, fails.score, fails.state) == (None, None, None)
    assert fails.why == "it failed at /: ValueError: no way"


async def test_an_async_score_chooses():
    """A model's word; a candidate that it cannot rate has no utility, and is not chosen."""

    async def ask(prompt):
        return "no idea" if '"n": 10' in prompt else "4"

    candidates = programs(actions_of(), asks="ask", once="grow")
    found = await select_async(candidates, {"n": 1}, Utility(by_model(ask, "small?")))
    asks, once = found.scored
    assert found.chosen is once
    assert (once.score, asks.utility, asks.state) == (0.4, None, {"n": 10})
    assert asks.why.startswith("it has no score: PlanError: the model rated 'no idea'")


def test_a_score_cannot_change_what_is_chosen():
    """It gets a copy of the state."""

    def score(state):
        state["n"] = 99
        return 1.0

    found = select(programs(actions_of(), once="grow"), {"n": 1}, Utility(score))
    assert found.chosen.state == {"n": 2}


def test_nobody_is_chosen_where_all_fail():
    """That is a value, with why."""
    found = select(programs(actions_of(), a="fail", b="fail"), {}, Utility())
    assert found.chosen is None
    assert [each.candidate for each in found.scored] == ["a", "b"]


async def test_what_cannot_be_asked_is_refused():
    """No candidates, a state that is no JSON, and the sync form in an event loop."""
    one = programs(actions_of(), once="grow")
    with pytest.raises(PlanError, match="there are no candidates"):
        await select_async({}, {}, Utility())
    with pytest.raises(PlanError, match="state is a set"):
        await select_async(one, {1}, Utility())
    with pytest.raises(PlanError, match=r"select would block .* await select_async"):
        select(one, {"n": 1}, Utility())


def test_candidates_run_side_by_side():
    """Each waits for the other, in threads and on the loop: one after the other none would end."""
    both = threading.Barrier(2, timeout=10)
    actions = Actions()

    @actions.action
    def meet(state):
        both.wait()
        return state

    found = select(programs(actions, a="meet", b="meet"), {}, Utility())
    assert found.chosen.candidate == "a"


async def test_a_selection_that_is_cancelled_cancels_its_candidates():
    """And waits for them."""
    begun, ended = asyncio.Event(), []
    actions = Actions()

    @actions.action
    async def hang(state):
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(state)

    task = asyncio.create_task(select_async(programs(actions, a="hang", b="hang"), 1, Utility()))
    await begun.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [1, 1]


def test_the_first_of_equals_is_the_best():
    """Those without a utility do not count."""
    assert best([]) is best([worth("a", None)]) is None
    found = best([worth("a", None), worth("b", -1.0), worth("c", 2), worth("d", 2.0)])
    assert found.candidate == "c"
