"""Boards in plans and tasks: a change is on record when the task goes on."""

import asyncio
import json

import pytest

import queue_imp as q
import reins.blackboard.acting
import reins.bus.acting  # noqa: F401 - hand their handlers in
from agent_core.agent.services import Services
from reins.blackboard.boards import Boards
from reins.blackboard.calling import CallBoards
from reins.blackboard.tasks import board_actions
from reins.bus.topics import Topics
from reins.llm import Model
from reins.plans import Task, retry, sequence, to_data
from reins.tools.builtin.boards import board_delete, board_get, board_put
from reins.tools.registry import Registry
from reins.tools.toolbox import Toolbox
from store import kv
from store.topics import list_topic_messages
from tests.integration.agent_core.tasking import Tasks
from tests.integration.agent_core.test_plans import Answers, Plans, actions
from tests.support import data_folder
from tests.support.handiwork import answer, finished
from tests.support.waiting import until_async


def with_boards():
    made = actions()
    made.take(board_actions())

    @made.action
    async def bump(state):
        await asyncio.sleep(0.003)
        return {**state, "n": state["n"] + 1}

    return made


class Planning(Plans):
    def __init__(self, folder):
        super().__init__(folder, with_boards())

    def make_parts(self, store):
        topics = Topics(store)
        self.services = Services(
            self.plans, topics, Boards(store, topics), per_session={Model: Answers}
        )


class Working(Tasks):
    def __init__(self, folder, *answers):
        super().__init__(folder, *answers)
        tools = [*self.hands.registry.tools.values(), board_get, board_put, board_delete]
        self.toolbox = Toolbox(Registry(tools))

    def more(self, store):
        return [Boards(store, self.topics)]


@pytest.fixture
async def plans(data):
    made = Planning(data)
    await made.start()
    yield made
    await made.stop(grace_s=0.2)
    await asyncio.to_thread(data_folder.verified, data)


@pytest.fixture
async def tasks(data):
    made = Working(data)
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, data)


async def begun(fleet, name, plan, state=None):
    config = {"plan": to_data(plan), "state": state or {}}
    got = await fleet.do(q.agent_create, name, "ann", agent_type="plan", config=config)
    assert got["outcome"] == "applied", got


async def end_of(fleet, name):
    await until_async(
        lambda: fleet.state(name)["status"] in ("completed", "failed"), f"{name} has ended"
    )
    return fleet.state(name)["status"], json.loads(fleet.log(name)[-1]["payload"])["result"]


async def test_plans_count_together(plans):
    """A conflict fails the task, and a retry reads the newer value: no update is lost."""
    place = {"board": "sums", "key": "n"}
    adding = retry(
        sequence(
            Task("board_get", {**place, "to": "n", "default": 0, "version_to": "version"}),
            Task("bump"),
            Task("board_put", {**place, "from": "n", "expect_from": "version"}),
        ),
        attempts=200,
        delay_s=0.001,
    )
    for name in ("a", "b", "c"):
        await begun(plans, name, sequence(adding, adding, adding, adding))
    for name in ("a", "b", "c"):
        assert (await end_of(plans, name))[0] == "completed"
    assert kv.get_value("sums", "n", store=plans.store.reader)["value"] == 12
    assert len(list_topic_messages("board.sums", store=plans.store.reader)) == 12


async def test_a_plan_reads_writes_and_deletes(plans):
    """One key, all with a prefix, a default; what does not fit fails the task and says why."""
    plan = sequence(
        Task("board_put", {"board": "b", "key": "x.1", "value": {"a": 1}, "version_to": "v"}),
        Task("board_put", {"board": "b", "key": "x.2", "value": 2}),
        Task("board_get", {"board": "b", "prefix": "x.", "to": "all"}),
        Task("board_delete", {"board": "b", "key": "x.1", "expect_from": "v"}),
        Task("board_get", {"board": "b", "key": "x.1", "to": "gone", "default": None}),
    )
    await begun(plans, "a", plan)
    status, result = await end_of(plans, "a")
    assert status == "completed"
    assert result["payload"]["state"] == {
        "v": 1, "all": {"x.1": {"a": 1}, "x.2": 2}, "gone": None,
    }  # fmt: skip
    for args, words in (
        ({"key": "x.2", "value": 1, "expect": 1}, "at version 2, expected 1"),
        ({"key": "x.2"}, "give either value or from"),
        ({"key": "x.2", "value": None}, "value is null"),
        ({"key": "x.2", "value": 1, "nonsense": 1}, "nonsense"),
    ):
        await begun(plans, f"bad {words}", Task("board_put", {"board": "b", **args}))
        status, result = await end_of(plans, f"bad {words}")
        assert status == "failed"
        assert words in str(result), result


async def test_a_task_has_boards_as_tools(tasks):
    """It reads with versions, writes with what it expects, and is told of a conflict."""
    tasks.model.answers += [
        answer("board_put", board="b", key="k", value={"n": 1}),
        answer("board_get", board="b", key="k"),
        answer("board_put", board="b", key="k", value=2, expect=0),
        answer("board_put", board="b", key="k", value=2, expect=1),
        answer("board_get", board="b"),
        answer("board_delete", board="b", key="k"),
        answer("board_get", board="b", key="k"),
        finished(),
    ]
    await tasks.task(tools=["test", "boards"])
    await tasks.until_row("final")
    said = [outcome["text"] for _, outcome in tasks.acts()]
    assert said[0] == "'k' of board b is at version 1"
    assert '{"version":1,"value":{"n":1}}' in said[1]
    assert "is at version 1, expected 0" in said[2]
    assert "k (version 2)" in said[4]
    assert said[5] == "'k' is not on board b any more"
    assert "has no key 'k'" in said[6]


async def test_a_call_that_is_made_again_changes_nothing_twice(plans):
    """After a crash between its commit and the row of its session."""
    boards = plans.services.get(Boards)
    await begun(plans, "a", Task("wait"))
    session = plans.sessions.live["a"]
    calls = [CallBoards(lambda: boards, session, "key") for _ in range(2)]
    assert await calls[0].put("b", "k", 1, 0) == 1
    assert await calls[0].put("b", "k", 2, 1) == 2
    assert [await calls[1].put("b", "k", 1, 0), await calls[1].put("b", "k", 2, 1)] == [1, 2]
    assert await calls[1].put("b", "k", 3, 2) == 3
    assert len(list_topic_messages("board.b", store=plans.store.reader)) == 3
