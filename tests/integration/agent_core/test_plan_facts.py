"""Facts of plans: on record with the end of the task that asserts them, or not at all."""

import asyncio

import pytest

import queue_imp as q
import reins.facts.acting  # noqa: F401 - hands its handlers in
from agent_core.agent.services import Services
from reins.facts.facts import Facts
from reins.llm import Model
from reins.plans import Task, parallel, retry, sequence, to_data
from reins.tools.builtin import facts as tools
from reins.tools.registry import Registry
from reins.tools.tool import Tool
from reins.tools.toolbox import Toolbox
from store.facts import list_facts
from tests.integration.agent_core.test_plans import Answers, Plans, actions
from tests.support import data_folder
from tests.support.waiting import until_async


def knowing():
    made = actions()

    @made.action
    async def know(state, ctx):
        """Asserts a fact, and fails the first time where it is told to."""
        await ctx.facts.remember("Ann", "likes", ctx.args["what"], scope="shared")
        if ctx.args.get("flaky") and ctx.attempt < 2:
            raise ConnectionError("not yet")
        return state

    @made.action
    async def look(state, ctx):
        found = await ctx.facts.about("Ann")
        return {**state, "likes": sorted(fact["object"] for fact in found["facts"])}

    return made


class Knowing(Plans):
    def __init__(self, folder):
        super().__init__(folder, knowing())

    def make_parts(self, store):
        self.facts = Facts(store)
        toolbox = Toolbox(
            Registry([each for each in vars(tools).values() if isinstance(each, Tool)])
        )
        self.services = Services(
            self.plans, self.facts, toolbox, store.reader, per_session={Model: Answers}
        )


@pytest.fixture
async def fleet(data):
    made = Knowing(data)
    await made.start()
    yield made
    await made.stop(grace_s=0.2)
    await asyncio.to_thread(data_folder.verified, data)


async def test_tasks_assert_with_their_ends(fleet):
    """Side by side, tried again, by a tool: each once; one that fails leaves nothing."""
    pears = {"subject": "Ann", "relation": "likes", "object": "pears", "scope": "shared"}
    plan = sequence(
        parallel(Task("know", {"what": "tea"}), Task("know", {"what": "figs"})),
        retry(Task("know", {"what": "rice", "flaky": True}), attempts=2),
        Task("tool", {"tool": "remember_fact", "args": pears}),
        Task("look"),
    )
    config = {"plan": to_data(plan), "state": {}, "tools": ["facts"]}
    got = await fleet.do(q.agent_create, "a", "ann", agent_type="plan", config=config)
    assert got["outcome"] == "applied", got
    ended = await until_async(
        lambda: next((row for row in fleet.log() if row["kind"] == "final"), None), "it has ended"
    )
    rows = list_facts(store=fleet.store.reader)
    assert sorted(row["object"] for row in rows) == ["figs", "pears", "rice", "tea"], ended
    assert all(row["seq"] and row["call_id"] for row in rows)
    assert {row["session_id"] for row in rows} == {"a"}
    assert '"likes":["figs","pears","rice","tea"]' in ended["state"].replace(" ", "")
