"""What a task's model is sent from tick to tick: the same after a restart as it was before."""

import json

import queue_imp as q
from store.agent_steps import list_steps
from tests.integration.agent_core.tasking import again, tasks
from tests.support.handiwork import answer, finished
from tests.support.waiting import until_async

__all__ = ["tasks"]


def steps_of(model, number=-1):
    """The steps that a thought was sent, taken apart."""
    return [json.loads(step) for step in model.asked[number][1]["steps"]]


async def next_goal(tasks, goal):
    order = {"type": "set_goal", "goal": goal}
    assert (await tasks.do(q.agent_interrupt, "a", "tester", order))["outcome"] == "applied"


async def test_a_restart_sends_the_same_steps(tasks):
    """Thoughts, calls and results as they were, the end of an earlier goal among them."""
    tasks.model.answers += [
        answer("look", "I look.", place="north"),
        answer("count", "I count.", word="one"),
        finished(),
        answer("broken", "I try.", word="it"),
    ]
    await tasks.task(when_finished="idle")
    await until_async(lambda: not json.loads(tasks.state()["context"])["goal"], "it is idle")
    await next_goal(tasks, "two")
    await until_async(lambda: len(tasks.model.asked) == 5, "it thinks again")
    before = steps_of(tasks.model)
    assert [(step["tool"], step.get("thought"), step["ok"]) for step in before] == [
        ("look", "I look.", True),
        ("count", "I count.", True),
        ("finish", "so", True),
        ("broken", "I try.", False),
    ]
    assert before[0]["result"] == "north is empty"
    assert "count to one" in before[2]["result"]
    await tasks.stop()
    made = await again(tasks)
    try:
        await until_async(lambda: made.model.asked, "it thinks")
        assert steps_of(made.model) == before
    finally:
        await made.stop()


async def test_a_thought_says_what_it_was_sent(tasks):
    """The row of the act has the figures of its context, with what was left out and why."""
    count = 30
    tasks.model.answers += [answer("fetch", url="u" * 600 + str(n)) for n in range(count)]
    tasks.model.answers += [finished()]
    await tasks.task(context_tokens=3_000, max_iterations=count + 2)
    await until_async(lambda: tasks.state()["status"] == "completed", "it is done")
    rows = [row for row in list_steps("a", store=tasks.store.reader) if row["kind"] == "tick"]
    shown = [json.loads(row["payload"])["context"] for row in rows]
    assert shown[0]["steps"] == 0
    assert all(each["tokens"] <= each["limit_tokens"] == 3_000 for each in shown)
    assert any(each.get("dropped") for each in shown)
    assert all("why" in each for each in shown if each.get("dropped"))
    assert all(step["from_outside"] for step in steps_of(tasks.model))
