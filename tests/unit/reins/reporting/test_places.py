"""Places of a plan: what a path is without its turns and attempts, and what stands there."""

import pytest

from reins.reporting.places import named_at, order, place

PLAN = {
    "kind": "sequence",
    "items": ["a", {"kind": "retry", "item": {"kind": "task", "name": "b"}}, {"kind": "focus"}],
}


@pytest.mark.parametrize(
    ("path", "found"),
    [("/", "/"), ("/1/0#3", "/1/0"), ("/2~12/0#1/1", "/2/0/1"), ("/0/plan/1", "/0/plan/1")],
)
def test_a_place_has_no_turns_and_attempts(path, found):
    """Those of all levels are left out."""
    assert place(path) == found


def test_the_order_is_the_plans():
    """By number, not by letter; what a task has returned comes where the task stands."""
    paths = ["/10", "/2", "/0/plan/1", "/0", "/", "/0/plan/0"]
    assert sorted(paths, key=order) == ["/", "/0", "/0/plan/0", "/0/plan/1", "/2", "/10"]


@pytest.mark.parametrize(
    ("where", "name"),
    [("/0", "a"), ("/1/0", "b"), ("/1", ""), ("/2/0", ""), ("/9", ""), ("/0/plan/0", ""),
     ("/plan", ""), ("/", "")],
)  # fmt: skip
def test_the_name_of_a_task(where, name):
    """None where the plan has no task there, as in what a task has returned."""
    assert named_at(PLAN, where) == name


@pytest.mark.parametrize("plan", [None, "a text", [1], {"items": 3}, {"items": [None]}])
def test_what_is_no_plan_has_no_names(plan):
    """A configuration of another type may have anything there."""
    assert named_at(plan, "/0") == ""
