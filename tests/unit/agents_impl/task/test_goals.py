"""Goals of a task: one at a time, others in line, results kept in short."""

import pytest
from pydantic import ValidationError

from agent_core.agent.guidance import GuidanceRejectedError
from agents_impl.task import goals
from agents_impl.task.models import Result, SetGoal, TaskConfig, TaskState


def order(goal, when=None):
    return SetGoal(type="set_goal", goal=goal, when_busy=when)


def working(**config):
    made = TaskConfig(goal="first", **config)
    state = TaskState()
    goals.begin(state, made.goal, made)
    return state, made


def result(goal="first", **parts):
    return Result(status="done", goal=goal, summary="It is done.", **parts)


def test_a_task_needs_a_goal_unless_it_may_be_idle():
    """Else it would have nothing to complete."""
    with pytest.raises(ValidationError, match="when_finished"):
        TaskConfig()
    assert TaskConfig(when_finished="idle").goal is None


def test_a_goal_in_line_begins_when_the_one_before_is_over():
    """Only then is a session that completes complete."""
    state, config = working()
    assert goals.take(state, order("second"), config) == "goal 1 in line: second"
    state.thoughts = 9
    assert not goals.finish(state, result(), config)
    assert (state.goal, state.goals, state.thoughts) == ("second", [], 0)
    assert goals.finish(state, result("second"), config)
    assert state.goal == ""


def test_an_idle_one_is_never_complete():
    """It waits for the next goal."""
    state, config = working(when_finished="idle")
    assert not goals.finish(state, result(), config)
    assert goals.take(state, order("next"), config) == "goal: next"


def test_a_goal_may_replace_or_be_refused():
    """As guidance says, else as the configuration."""
    state, config = working(when_busy="reject")
    with pytest.raises(GuidanceRejectedError, match="when_busy"):
        goals.take(state, order("second"), config)
    assert goals.take(state, order("second", "replace"), config) == "goal replaced: second"
    assert [each.status for each in state.goals_done] == ["replaced"]


def test_the_line_of_goals_is_bounded():
    """So that a snapshot holds it."""
    state, config = working(max_goals=1)
    goals.take(state, order("second"), config)
    with pytest.raises(GuidanceRejectedError, match="max_goals"):
        goals.take(state, order("third"), config)


def test_facts_go_on_and_old_results_are_kept_in_short():
    """The newest result is whole."""
    state, config = working(when_finished="idle")
    for n in range(15):
        goals.begin(state, f"goal {n}", config)
        facts = [f"fact {n}", "the same"]
        goals.finish(state, result(f"goal {n}", facts=facts, files=["x"]), config)
    assert len(state.goals_done) == 5
    assert state.goals_done[-1].files == ["x"]
    assert state.goals_done[-2].files == []
    assert state.facts.count("the same") == 1
    assert "fact 14" in state.facts
    assert state.finished == 15
