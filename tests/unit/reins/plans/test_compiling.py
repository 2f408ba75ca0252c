"""What a plan leaves open: `choose_fn` and `aggregate_fn`, in their known meaning."""

import random

import pytest

from reins.plans import (
    Actions,
    PlanError,
    choose,
    compile_plan,
    parallel,
    run_plan,
    sequence,
)

ACTIONS = Actions({f"add{n}": lambda x, n=n: x + n for n in range(4)})


def test_choose_fn_picks_among_all_outputs():
    """Every item is done; the function gets their states in order and gives a place."""
    seen = []

    def largest(outputs):
        seen.append(outputs)
        return outputs.index(max(outputs))

    program = compile_plan(ACTIONS, choose("add1", "add3", "add2"), choose_fn=largest)
    assert run_plan(program, 10).state == 13
    assert seen == [[11, 13, 12]]


def test_aggregate_fn_makes_one_state_of_the_list():
    """In the order of the items, whoever ends first."""
    program = compile_plan(ACTIONS, parallel("add1", "add3", "add2"), aggregate_fn=sum)
    assert run_plan(program, 10).state == 36


def test_what_the_plan_says_itself_stays():
    """A selector and a combiner go before both."""
    plan = sequence(
        choose("add1", "add2", selector=lambda _: 0), parallel("add1", combiner="collect")
    )
    program = compile_plan(ACTIONS, plan, choose_fn=lambda _: 1, aggregate_fn=sum)
    assert run_plan(program, 0).state == [2]


def test_a_place_that_is_none_fails_the_node():
    """With its path."""
    program = compile_plan(ACTIONS, sequence(choose("add1")), choose_fn=lambda _: 7)
    fault = run_plan(program, 0).result.error
    assert (fault.kind, fault.path) == ("function", "/0")
    assert "IndexError" in fault.message


def test_a_choice_of_all_counts_as_wide():
    """257 items to choose among one by one are a plan; all at once they are not."""
    plan = choose(*["add1"] * 257, selector=lambda _: 0)
    compile_plan(ACTIONS, plan)
    with pytest.raises(PlanError, match="257 tasks"):
        compile_plan(ACTIONS, choose(*["add1"] * 257), choose_fn=lambda _: 0)


def test_random_plans_end_as_their_sequential_meaning_says():
    """Lists, choices and sums in turn, as a baseline would do them."""
    made = random.Random(17)

    def plan(levels):
        kind = made.choice(["task", "sequence", "parallel", "choose"] if levels else ["task"])
        if kind == "task":
            return f"add{made.randrange(4)}"
        items = [plan(levels - 1) for _ in range(made.randrange(1, 4))]
        return {"sequence": sequence, "parallel": parallel, "choose": choose}[kind](*items)

    def meaning(node, x):
        if isinstance(node, str):
            return x + int(node[3:])
        if node.kind == "task":
            return x + int(node.name[3:])
        if node.kind == "sequence":
            for each in node.items:
                x = meaning(each, x)
            return x
        outputs = [meaning(each, x) for each in node.items]
        return sum(outputs) if node.kind == "parallel" else outputs[len(outputs) // 2]

    for _ in range(25):
        one = plan(3)
        program = compile_plan(
            ACTIONS, one, choose_fn=lambda outputs: len(outputs) // 2, aggregate_fn=sum
        )
        assert run_plan(program, 1).state == meaning(one, 1)
