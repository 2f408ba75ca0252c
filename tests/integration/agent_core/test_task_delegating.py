"""A task gives a part of its work to a child, waits at no cost, and goes on with its word."""

import asyncio
import json

import pytest

import queue_imp as q
from agent_core.children.children import Children
from tests.integration.agent_core.tasking import Tasks
from tests.support import data_folder
from tests.support.handiwork import answer, finished
from tests.support.waiting import until_async

WORKERS = {"helper": {"agent_type": "leaf", "brief": "does as it is told"}}


class Delegating(Tasks):
    def __init__(self, folder):
        super().__init__(folder)
        self.modules = ("agents_impl.task", "tests.support.leaf_agents")

    def make_parts(self, store):
        super().make_parts(store)
        self.parts["children"] = self.children

    def more(self, store):
        self.children = Children()
        return [self.children]


@pytest.fixture
async def tasks(data):
    made = Delegating(data)
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, data)


async def test_a_child_does_the_work_and_its_word_is_the_result(tasks):
    """Made with the tick that decides it; the next row has what it reports."""
    tasks.model.answers += [
        answer("delegate", worker="helper", brief="done: the small part"),
        answer("read_log", child="a.d1.1"),
        finished(),
    ]
    await tasks.task(workers=WORKERS)
    await tasks.until_row("final")
    assert tasks.kinds() == ["status", "tick", "tick", "tick", "tick", "final"]
    began, came, read = (json.loads(row["payload"]) for row in tasks.log()[1:4])
    assert began["child"] == "a.d1.1"
    assert came["outcome"]["text"] == "a.d1.1 is done: done: done: the small part"
    assert "#1 status: created, running" in read["outcome"]["text"]
    child = tasks.state("a.d1.1")
    assert (child["parent_session_id"], child["status"]) == ("a", "completed")
    tools = tasks.model.asked[0][1]["tools"]
    assert [line for line in tools if line.startswith("delegate(")]


async def test_it_waits_at_no_cost_and_over_a_restart(tasks):
    """No row while the child works; the end is taken in by another process."""
    tasks.model.answers += [answer("delegate", worker="helper", brief="never ends")]
    await tasks.task(workers=WORKERS)
    await until_async(lambda: len(tasks.log("a.d1.1")) > 1, "the child works")
    rows = len(tasks.log())
    await asyncio.sleep(0.2)
    assert len(tasks.log()) == rows
    assert json.loads(tasks.state()["waits"])["reason"] == "waits for a.d1.1"
    await tasks.stop()
    tasks.model.answers += [finished(summary="without it")]
    await tasks.start("start-2")
    await tasks.do(q.agent_destroy_action, "a.d1.1", "ann", "it takes too long")
    final = await tasks.until_row("final")
    assert json.loads(final["payload"])["result"]["output"] == "without it"
    outcomes = [outcome for _, outcome in tasks.acts()]
    assert outcomes[0]["text"] == "a.d1.1 is destroyed: its session was destroyed"
    assert not tasks.sessions.is_known("a.d1.2")


@pytest.mark.parametrize(
    ("config", "call", "error"),
    [
        ({}, answer("delegate", worker="cook", brief="x"), "there is no worker 'cook'"),
        ({"max_children": 1}, answer("read_log", child="b"), "'b' is no child of this session"),
    ],
)
async def test_what_cannot_be_is_said_to_the_model(tasks, config, call, error):
    """It goes on with the error, and no session was made."""
    tasks.model.answers += [call, finished()]
    await tasks.task(workers=WORKERS, **config)
    await tasks.until_row("final")
    [(_, outcome)] = tasks.acts()
    assert error in outcome["text"]
    assert not tasks.sessions.is_known("a.d1.1")


async def test_generations_have_an_end(tasks):
    """A child of a child that may have none is told to do it itself."""
    nested = {"deep": {"agent_type": "task", "config": {
        "workers": WORKERS, "max_depth": 1, "tools": ["test"]}}}  # fmt: skip
    tasks.model.answers += [
        answer("delegate", worker="deep", brief="go deeper"),
        answer("delegate", worker="helper", brief="done: deeper"),
        finished(summary="I did it myself"),
        finished(),
    ]
    await tasks.task(workers=nested)
    await tasks.until_row("final")
    refused = json.loads(tasks.log("a.d1.1")[1]["payload"])["outcome"]["text"]
    assert "may have no children (max_depth); do it yourself" in refused


async def test_a_task_without_workers_has_no_such_tools(tasks):
    tasks.model.answers += [finished()]
    await tasks.task()
    await tasks.until_row("final")
    tools = tasks.model.asked[0][1]["tools"]
    assert not [line for line in tools if line.startswith(("delegate", "read_log"))]


async def test_a_goal_that_is_replaced_ends_what_was_delegated(tasks):
    """Nobody waits for it any more."""
    tasks.model.answers += [answer("delegate", worker="helper", brief="never ends"), finished()]
    await tasks.task(workers=WORKERS)
    await until_async(lambda: "a.d1.1" in tasks.sessions.live, "the child works")
    order = {"type": "set_goal", "goal": "something else", "when_busy": "replace"}
    await tasks.do(q.agent_interrupt, "a", "ann", order)
    await until_async(lambda: tasks.state("a.d1.1")["status"] == "stopped", "it is stopped")
    assert "the goal was replaced" in tasks.log("a.d1.1")[-1]["text"]


async def test_logs_of_strangers_are_not_read(tasks):
    """Whatever their ids look like."""
    await tasks.do(q.agent_create, "a.secret", "ann", agent_type="leaf", config={"goal": "never"})
    tasks.model.answers += [answer("read_log", child="a.secret"), finished()]
    await tasks.task(workers=WORKERS)
    await tasks.until_row("final")
    [(_, outcome)] = tasks.acts()
    assert "'a.secret' is no child of this session" in outcome["text"]
