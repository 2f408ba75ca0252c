"""The plan as a graph: what may be planned, edited, begun, and what stands still."""

import pytest

from agents_impl.orchestrator.briefing import facts_for, goal_of
from agents_impl.orchestrator.models import EditPlan, PlannedTask, Task, TaskResult
from agents_impl.orchestrator.plan import (
    PlanError,
    checked,
    edited,
    is_over,
    kept_of,
    ready,
    stands_still,
)
from agents_impl.workers import Worker, config_of


def planned(name, *needs, worker="dev"):
    return PlannedTask(id=name, worker=worker, brief=f"do {name}", needs=[*needs])


def task(name, *needs, state="open", **parts):
    return Task(id=name, worker="dev", brief=f"do {name}", needs=[*needs], state=state, **parts)


def names(tasks):
    return [each.id for each in tasks]


@pytest.mark.parametrize(
    ("tasks", "error"),
    [
        ([], "the plan has no task"),
        ([planned("a"), planned("a")], "two tasks are named a"),
        ([planned("a", "b"), planned("b", "a")], "in a circle: "),
        ([planned("a", "a")], "in a circle: a → a"),
        ([planned("a", "z")], "task a needs 'z', which is no task of the plan"),
        ([planned("a", worker="cook")], "task a is for 'cook'; expected one of dev"),
        ([planned(f"t{n}") for n in range(6)], "the plan has 6 tasks; expected 5 at the most"),
    ],
)
def test_a_plan_that_cannot_be_worked_off(tasks, error):
    """The error says which task, and why."""
    with pytest.raises(PlanError, match=error):
        checked(tasks, [], ["dev"], 5)


def test_tasks_are_ready_when_what_they_need_is_done():
    """A failed need never makes one ready; when nothing moves, it stands still."""
    tasks = [task("a", state="done"), task("b", "a"), task("c", "a", "b"), task("d")]
    assert names(ready(tasks)) == ["b", "d"]
    assert stands_still(tasks) == []
    broken = [task("a", state="failed"), task("b", "a")]
    assert ready(broken) == []
    assert names(stands_still(broken)) == ["b"]
    assert stands_still([*broken, task("c", state="running")]) == []
    assert is_over([task("a", state="done"), task("b", state="dropped")])


def test_an_edit_changes_what_has_not_begun():
    """Tasks that needed a dropped one need it no longer."""
    tasks = [task("a", state="running", attempt=1, session="s.a.1"), task("b", "a"), task("c", "b")]
    edit = EditPlan(type="plan", put=[planned("d", "a")], drop=["b"])
    after = edited([each.model_copy(deep=True) for each in tasks], edit, ["dev"], 5)
    assert [(each.id, each.needs) for each in after] == [("a", []), ("c", []), ("d", ["a"])]
    with pytest.raises(PlanError, match=r"task a has begun; steer its session instead \(s.a.1\)"):
        edited(tasks, EditPlan(type="plan", drop=["a"]), ["dev"], 5)
    with pytest.raises(PlanError, match="there is no task 'z'; there are a, b, c"):
        edited(tasks, EditPlan(type="plan", drop=["z"]), ["dev"], 5)


def test_what_was_begun_stays_when_the_plan_is_made_anew():
    """Also what waited for another attempt: its sessions are known by it."""
    tasks = [task("a", state="done"), task("b", attempt=1, session="s.b.1"), task("c")]
    assert [(each.id, each.state) for each in kept_of(tasks)] == [("a", "done"), ("b", "dropped")]


def test_a_child_is_told_what_it_has_to_know():
    """Results of what it needs and what was wrong before, as facts; the rest in its goal."""
    done = task("a", state="done", result=TaskResult(status="done", summary="made", files=["a.py"]))
    again = Task(
        id="b", worker="dev", brief="use it", acceptance="it runs", needs=["a"],
        problem="it did not run",
    )  # fmt: skip
    worker = Worker(tools=["files"], config={"approvals": "ask_all"})
    fields = ("goal", "facts", "tools", "workspace", "route", "approvals")
    facts = facts_for(again, {"a": done})
    config = config_of(worker, goal_of(again), facts, fields=fields, workspace="/w", route="cheap")
    assert config == {
        "approvals": "ask_all", "goal": "use it\n\nAccepted if: it runs", "tools": ["files"],
        "workspace": "/w", "route": "cheap", "facts": facts,
    }  # fmt: skip
    assert config["facts"] == [
        "dev did a: made (files: a.py)",
        "The attempt before was not accepted: it did not run",
    ]
