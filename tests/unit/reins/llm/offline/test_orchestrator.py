"""The offline model as an orchestrator's: its plans, and verdicts by what a result says."""

import orjson
import pytest

from agents_impl.orchestrator.models import PlannedTask, Task, TaskResult
from agents_impl.orchestrator.plan import checked, told
from reins.llm.offline import orchestrator

DEVELOPERS = ["developer: writes code (tools: files)", "tester: runs tests (tools: commands)"]
PANEL = ["Mara: panelist, a detective", "Finn: panelist"]
GOAL = "Write a small CLI that counts words, and test it"


def tasks_in(answer):
    return [PlannedTask.model_validate(each) for each in orjson.loads(answer)["tasks"]]


@pytest.mark.parametrize(
    ("goal", "cards", "expected"),
    [
        (GOAL, DEVELOPERS,
         [("t1", "developer", []), ("t2", "tester", []), ("t3", "tester", ["t1", "t2"])]),
        ("read http://a/1 and http://a/2, http://a/3", ["ann: reads", "bob: reads"],
         [("t1", "ann", []), ("t2", "bob", []), ("t3", "ann", [])]),
        ("Should cats vote?", PANEL, [("t1", "Mara", []), ("t2", "Finn", [])]),
        ("Is a test at http://a/1 fair?", PANEL, [("t1", "Mara", []), ("t2", "Finn", [])]),
        ("count the files", ["one: counts"], [("t1", "one", [])]),
    ],
)  # fmt: skip
def test_a_plan_can_be_worked_off(goal, cards, expected):
    """Each is one that the agent takes."""
    found = tasks_in(orchestrator.plan(goal, cards))
    assert [(each.id, each.worker, each.needs) for each in found] == expected
    assert checked(found, [], [card.partition(":")[0] for card in cards], 20)


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        ({"status": "done", "summary": "12 passed in 0.1 s"}, "accept"),
        ({"status": "done", "summary": "The tests were run: FAILED (failures=1)"}, "replan"),
        ({"status": "done", "summary": "1 failed, 2 passed"}, "replan"),
        ({"status": "blocked", "summary": "there is no file"}, "again"),
        ("no JSON", "again"),
    ],
)
def test_a_verdict_is_what_the_result_says(result, verdict):
    text = result if isinstance(result, str) else orjson.dumps(result).decode()
    assert orjson.loads(orchestrator.judge("all tests pass", text))["verdict"] == verdict


def planned():
    return [
        Task(id="t1", worker="developer", brief="write it", state="done",
             result=TaskResult(status="done", summary="written")),
        Task(id="t3", worker="tester", brief="run the tests", needs=["t1"], state="failed",
             acceptance="all tests pass", result=TaskResult(status="done", summary="1 failed")),
    ]  # fmt: skip


def test_a_failure_is_given_to_the_developer_and_tested_again():
    answer = orchestrator.replan(DEVELOPERS, [*map(told, planned())])
    assert [(each.id, each.worker, each.brief, each.needs) for each in tasks_in(answer)] == [
        ("t4", "developer", "fix the failing test", []),
        ("t5", "tester", "run the tests", ["t4"]),
    ]


def test_what_is_open_stays_where_nothing_has_failed():
    """As after a person's guidance, which it does not understand."""
    open_task = Task(id="t2", worker="tester", brief="look at it", needs=["t1"], acceptance="seen")
    answer = orchestrator.replan(DEVELOPERS, [told(planned()[0]), told(open_task)])
    assert tasks_in(answer) == [PlannedTask.model_validate(open_task.model_dump(
        include=set(PlannedTask.model_fields)))]  # fmt: skip


def test_it_sums_up_what_each_did():
    answer = orjson.loads(orchestrator.sum_up(GOAL, [*map(told, planned())]))
    assert answer["status"] == "failed"
    assert "- t1 developer, done: written" in answer["summary"]


def test_each_of_a_panel_is_asked_the_question_and_heard_from_the_beginning():
    """Judged by whether it takes a position; the sum has the beginning of each answer."""
    mara, finn = tasks_in(orchestrator.plan("Should cats vote?", PANEL))
    assert mara.brief == finn.brief == "Should cats vote?"
    assert mara.acceptance == finn.acceptance == "it takes a position on the question"
    answer = TaskResult(status="done", summary="Yes, the way rain says yes. " * 9)
    judged = orchestrator.judge(mara.acceptance, answer.model_dump_json())
    assert orjson.loads(judged)["verdict"] == "accept"
    task = Task(**mara.model_dump(), state="done", result=answer)
    summary = orjson.loads(orchestrator.sum_up("Should cats vote?", [told(task)]))["summary"]
    assert "- t1 Mara, done: Yes, the way rain says yes. Yes" in summary
