"""Plans written for LambdaCat end here as they ended there: random ones, against an interpreter.

The interpreter is written from the described meaning of its baseline: one thing after the other,
`parallel` in turn, `choose` all of them and then one by its place.
"""

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from reins.plans import PlanFailedError, Task, choose, focus, lens, loop_while, parallel, sequence
from reins.plans.lambdacat import compile_plan, optic

EXAMPLES = int(os.environ.get("PLAN_EXAMPLES", "25"))
"""Set the variable for a campaign: 400."""
law = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)

KEYS = ("a", "b")


def more(x):
    return {**x, "a": x["a"] + 1}


def twice(x, ctx):
    return {**x, "b": x["b"] * ctx["by"] % 97}


async def swapped(x):
    return {**x, "a": x["b"], "b": x["a"]}


def overwrites(x):
    x["a"] = 5
    return x


def fails(x):
    if x["a"] % 3 == 2:
        raise ValueError("a third")
    return x


FUNCTIONS = {each.__name__: each for each in (more, twice, swapped, overwrites, fails)}
MEANINGS = FUNCTIONS | {"swapped": lambda x: {**x, "a": x["b"], "b": x["a"]}}
CONTEXT = {"by": 2}
PATHS = {
    "part": lens("part"),
    "pair": lens(lambda x: x["part"], lambda x, value: {**x, "part": value}),
    "optic": optic(lambda x: x["part"], lambda value, x: {**x, "part": value}),
}
PART = st.fixed_dictionaries({key: st.integers(0, 5) for key in KEYS})
STATES = st.builds(lambda outer, part: {**outer, "part": part}, PART, PART)


def chosen(outputs):
    return sum(each["a"] for each in outputs) % len(outputs)


def aggregated(outputs):
    return {**outputs[0], "b": sum(each["b"] for each in outputs) % 97}


def is_small(x):
    return x["a"] < 4


def plans(levels=3, *, has_part=True):
    tasks = st.sampled_from(sorted(FUNCTIONS)).map(Task)
    if not levels:
        return tasks
    inner = plans(levels - 1, has_part=has_part)
    some = st.lists(inner, min_size=1, max_size=3)
    kinds = [
        tasks,
        some.map(lambda items: sequence(*items)),
        some.map(lambda items: parallel(*items)),
        some.map(lambda items: choose(*items)),
        inner.map(lambda item: loop_while(is_small, sequence("more", item), max_turns=9)),
    ]
    if has_part:
        part = plans(levels - 1, has_part=False)
        kinds.append(
            st.tuples(st.sampled_from(sorted(PATHS)), part).map(
                lambda found: focus(PATHS[found[0]], found[1])
            )
        )
    return st.one_of(kinds)


def meaning(plan, x):
    """The state that the baseline ends with; raises what an action raises, or EndlessError."""
    match plan.kind:
        case "task":
            function = MEANINGS[plan.name]
            return function({**x}, CONTEXT) if plan.name == "twice" else function({**x})
        case "sequence":
            for item in plan.items:
                x = meaning(item, x)
            return x
        case "parallel":
            return aggregated([meaning(item, x) for item in plan.items])
        case "choose":
            outputs = [meaning(item, x) for item in plan.items]
            return outputs[chosen(outputs)]
        case "focus":
            return {**x, "part": meaning(plan.item, x["part"])}
    turns = 0
    while is_small(x):
        turns += 1
        if turns > plan.max_turns:
            raise EndlessError
        x = meaning(plan.item, x)
    return x


class EndlessError(Exception):
    """A loop that the baseline would not leave."""


FAILED = "failed"


def end_of(run, *given):
    """The state that is left; FAILED where it comes to none."""
    try:
        return run(*given)
    except (ValueError, EndlessError, PlanFailedError):
        return FAILED


@law
@given(plan=plans(), state=STATES)
def test_a_random_plan_ends_as_it_did_there(plan, state):
    """The same state, or a failure where there was one. What an action does to its state in place
    reaches no other branch: each has a copy here.
    """
    run = compile_plan(FUNCTIONS, plan, choose_fn=chosen, aggregate_fn=aggregated)
    assert end_of(run, state, CONTEXT) == end_of(meaning, plan, state)
