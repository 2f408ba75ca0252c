"""Laws of the actions: plans of them leave what their rows come to, in turn and side by side."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.mind import AgentState, Beliefs, Memories, fold, fold_memories, mind_actions
from reins.plans import Actions, Ok, Task, compile_plan, focus, lens, parallel, run_plan, sequence
from tests.property.mind.test_beliefs import law

KEYS = ("a", "b", "c")
VALUES = st.integers(-9, 9) | st.text(max_size=3)
NOW = 1_795_000_000_000_000
"""A clock that stands: all of a plan is of one moment."""


def task(name, **args):
    return Task(name, args)


def tasks(keys=KEYS):
    """Actions that always succeed: what may be missing has a default."""
    key, name = st.sampled_from(keys), st.sampled_from(keys)
    return st.one_of(
        st.builds(partial(task, "remember"), key=key, value=VALUES),
        st.builds(partial(task, "recall", to="scratch.found", default=None), key=key),
        st.builds(partial(task, "recall", to="scratch.all"), prefix=st.sampled_from(["", "a"])),
        st.builds(
            partial(task), st.sampled_from(["believe", "doubt"]), claim=name,
            strength=st.floats(0.1, 3), source=st.sampled_from(["ann", "bob"]),
        ),
    )  # fmt: skip


PLANS = st.lists(tasks(), min_size=1, max_size=8).map(lambda items: sequence(*items))


def ended(plan, state=None, where="."):
    actions = Actions()
    actions.take(mind_actions(where, now=lambda: NOW))
    given_state = AgentState().as_json() if state is None else state
    found = run_plan(compile_plan(actions, plan), given_state).result
    assert isinstance(found, Ok), found
    return found.value


@law
@given(PLANS)
def test_a_plan_leaves_what_its_rows_come_to(plan):
    """Whoever writes the fresh rows and folds them has the same memories and beliefs."""
    state = AgentState.from_json(ended(plan))
    assert fold(state.beliefs.fresh) == state.beliefs.committed()
    assert fold_memories(state.memory.fresh) == state.memory.committed()
    written = sum(item.name in {"remember", "believe", "doubt"} for item in plan.items)
    assert len(state.memory.fresh) + len(state.beliefs.fresh) == written


@law
@given(PLANS, PLANS)
def test_two_plans_in_turn_are_one(first, second):
    """By what is recalled and believed afterwards; ids are each run's own."""
    one = AgentState.from_json(ended(sequence(*first.items, *second.items)))
    two = AgentState.from_json(ended(second, ended(first)))
    assert seen(one) == seen(two)


def seen(state):
    """All that can be read of a state but ids."""
    memories = state.memory.recall_all("", NOW)
    return state.beliefs.all(NOW + 99), memories, state.scratch, state.data


@law
@given(st.lists(tasks(("a",)), max_size=4), st.lists(tasks(("b",)), max_size=4), st.randoms())
def test_side_by_side_is_in_turn_where_keys_differ(mine, its, _chance):
    """Memories and beliefs of both branches, by the combiner `minds`."""
    keep = [each for each in (*mine, *its) if each.name != "recall"]
    branches = [
        sequence(
            *[each for each in branch if each.name != "recall"],
            task("recall", to="data.x", prefix="none"),
        )
        for branch in (mine, its)
    ]
    beside = AgentState.from_json(ended(parallel(*branches, combiner="minds")))
    in_turn = AgentState.from_json(
        ended(sequence(*keep, task("recall", to="data.x", prefix="none")))
    )
    assert seen(beside) == seen(in_turn)
    assert fold(beside.beliefs.fresh) == beside.beliefs.committed()
    assert fold_memories(beside.memory.fresh) == beside.memory.committed()


@law
@given(st.floats(0.1, 3), st.floats(0.1, 3))
def test_branches_that_weigh_one_claim_add_up(strength, other):
    """One believes it, one doubts it: both count, whichever ends first."""
    plan = parallel(
        task("believe", claim="x", strength=strength, source="ann"),
        task("doubt", claim="x", strength=other, source="bob"),
        combiner="minds",
    )
    found = AgentState.from_json(ended(plan)).beliefs.belief("x", NOW)
    assert found.log_odds == pytest.approx(strength - other)
    assert found.contested == (strength > 1 and other > 1) or abs(min(strength, other) - 1) < 1e-9


@law
@given(PLANS)
def test_a_mind_within_a_state_is_the_mind_alone(plan):
    """At a path of the state, and by focus; what is around it stays."""
    around = {"step": 1, "mind": AgentState().as_json()}
    inside = ended(plan, around, "mind")
    focused = ended(focus(lens("mind"), plan), around)
    assert inside["step"] == focused["step"] == 1
    alone = seen(AgentState.from_json(ended(plan)))
    assert seen(AgentState.from_json(inside["mind"])) == alone
    assert seen(AgentState.from_json(focused["mind"])) == alone


@law
@given(VALUES, st.sampled_from(KEYS))
def test_remembered_is_recalled_and_forgotten_comes_back(value, key):
    """Put, recalled, forgotten, restored: the value is the same."""
    state = ended(
        sequence(
            task("remember", key=key, value=value),
            task("recall", key=key, to="scratch.one"),
            task("forget", key=key),
            task("recall", key=key, to="scratch.gone", default="gone"),
            task("restore", key=key),
            task("recall", key=key, to="scratch.two"),
            task("remember", **{"key": "copy", "from": "scratch.two"}),
        )
    )
    assert state["scratch"] == {"one": value, "gone": "gone", "two": value}
    assert AgentState.from_json(state).memory.recall("copy", NOW).value == value


def test_an_empty_state_is_a_mind_without_anything():
    """`{}` will do to begin with."""
    state = ended(task("believe", claim="x"), {})
    assert AgentState.from_json(state).beliefs.belief("x", NOW).probability > 0.7
    assert AgentState() == AgentState(memory=Memories(), beliefs=Beliefs())
