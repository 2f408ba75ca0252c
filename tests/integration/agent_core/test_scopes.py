"""Memories beyond one session: of an agent, and of all; written with the tick, none lost."""

import asyncio
import json

import pytest

import queue_imp as q
from agent_core.agent.services import Services
from reins.llm import Model
from reins.mind import mind_in, session_actions
from reins.plans import Task, retry, sequence, to_data
from reins.remembering.shared import SharedMemories
from reins.tools.builtin.memory import forget, recall, remember, restore
from reins.tools.registry import Registry
from reins.tools.toolbox import Toolbox
from store.agent_state import list_agent_states
from store.memories import list_memories
from tests.integration.agent_core.tasking import Tasks
from tests.integration.agent_core.test_plans import Answers, Plans, actions
from tests.support import data_folder
from tests.support.handiwork import answer, finished
from tests.support.waiting import until_async


def state_of(reader, session_id):
    states = {row["session_id"]: row for row in list_agent_states(store=reader)}
    return states.get(session_id)


def with_mind():
    made = actions()
    made.take(session_actions())

    @made.action
    async def count(state, ctx):
        """Adds one to what all remember, and says which version that must follow."""
        mind = mind_in(ctx)
        found = mind.recall_all("n", scope="shared").get("n", {"count": 0, "version": 0})
        await asyncio.sleep(0.003)
        count = found["count"] + 1
        value = {"count": count, "version": count}
        mind.do("remember", key="n", value=value, scope="shared", expect=found["version"])
        return state

    return made


class Scopes(Plans):
    def __init__(self, folder):
        super().__init__(folder, with_mind())

    def make_parts(self, store):
        self.memories = SharedMemories(store)
        self.services = Services(
            self.plans, self.memories, store.reader, per_session={Model: Answers}
        )

    async def begin(self):
        await self.memories.load()

    async def run(self, session_id, plan, agent_id="a", state=None, until="completed"):
        config = {"plan": to_data(plan), "state": state or {}}
        got = await self.do(
            q.agent_create, agent_id, "ann", agent_type="plan", session_id=session_id,
            config=config,
        )  # fmt: skip
        assert got["outcome"] == "applied", got
        if until:
            await self.until_ended(session_id, until)
        return self

    def state(self, session_id="a"):
        return state_of(self.store.reader, session_id)

    async def until_ended(self, session_id, status="completed"):
        await until_async(
            lambda: (self.state(session_id) or {}).get("status") in ("completed", "failed"),
            f"{session_id} has ended",
        )
        assert self.state(session_id)["status"] == status, self.log(session_id)[-1]["text"]

    def end(self, session_id):
        return json.loads(self.log(session_id)[-1]["payload"])["result"]["payload"]["state"]

    def rows(self, **match):
        return list_memories(store=self.store.reader, **match)


@pytest.fixture
async def fleet(data):
    made = Scopes(data)
    await made.start()
    yield made
    await made.stop(grace_s=0.2)
    await asyncio.to_thread(data_folder.verified, data)


def kept(key, value, scope, **more):
    return Task("remember", {"key": key, "value": value, "scope": scope, **more})


RECALL = Task("recall", {"prefix": "", "to": "all"})


async def test_the_nearest_scope_is_recalled(fleet):
    """A session's own first, then its agent's, then what all share; or the one that is named."""
    await fleet.run("one", sequence(kept("k", 1, "agent"), kept("k", 2, "shared")))
    await fleet.run("other", RECALL, agent_id="b")
    assert fleet.end("other") == {"all": {"k": 2}}
    plan = sequence(
        Task("recall", {"key": "k", "to": "before"}),
        kept("k", 3, "session"),
        Task("recall", {"key": "k", "to": "own"}),
        Task("recall", {"key": "k", "to": "agents", "scope": "agent"}),
        Task("recall", {"key": "k", "to": "of_all", "scope": "shared"}),
        Task("forget", {"key": "k"}),
        Task("recall", {"key": "k", "to": "then"}),
    )
    await fleet.run("two", plan)
    assert fleet.end("two") == {"before": 1, "own": 3, "agents": 1, "of_all": 2, "then": 1}


async def test_a_memory_of_an_agent_outlives_sessions_and_restarts(fleet):
    """Versions go on where they were; it is forgotten and restored by any of them."""
    await fleet.run("one", sequence(kept("k", 1, "agent"), kept("k", 2, "agent")))
    await fleet.stop()
    await fleet.start()
    plan = sequence(
        Task("forget", {"key": "k", "scope": "agent"}),
        Task("restore", {"key": "k", "scope": "agent", "version": 1}),
        RECALL,
    )
    await fleet.run("two", plan)
    assert fleet.end("two") == {"all": {"k": 1}}
    rows = fleet.rows(scope="agent")
    assert [(row["kind"], row["version"], row["session_id"]) for row in rows] == [
        ("put", 1, "one"), ("put", 2, "one"), ("forget", 3, "two"), ("restore", 4, "two"),
    ]  # fmt: skip
    assert [row["seq"] for row in fleet.rows(session_id="two")] == [
        row["seq"] for row in rows if row["session_id"] == "two"
    ]


async def test_an_expired_one_is_not_recalled(fleet):
    """From then on the next scope is."""
    await fleet.run(
        "one", sequence(kept("k", 1, "shared"), kept("k", 2, "agent", expires_in_s=1e-4))
    )
    await fleet.run("two", RECALL)
    assert fleet.end("two") == {"all": {"k": 1}}


async def test_two_that_write_one_key_are_both_on_record(fleet):
    """Without a version the last one wins; each is a version, none is lost."""
    for number in range(6):
        plan = sequence(*(kept("k", [number, turn], "shared") for turn in range(5)))
        await fleet.run(f"s{number}", plan, agent_id=f"a{number}", until=None)
    for number in range(6):
        await fleet.until_ended(f"s{number}")
    rows = fleet.rows(scope="shared")
    assert [row["version"] for row in rows] == list(range(1, 31))
    assert sorted(json.loads(row["value"]) for row in rows) == [
        [number, turn] for number in range(6) for turn in range(5)
    ]


async def test_a_version_that_is_expected_loses_no_update(fleet):
    """Whoever was overtaken fails its task, and a retry counts on from the newer value."""
    adding = retry(Task("count"), attempts=100, delay_s=0.001)
    for number in range(4):
        await fleet.run(f"s{number}", sequence(*[adding] * 4), agent_id=f"a{number}", until=None)
    for number in range(4):
        await fleet.until_ended(f"s{number}")
    rows = fleet.rows(scope="shared")
    assert [json.loads(row["value"])["count"] for row in rows] == list(range(1, 17))


async def test_what_is_too_much_fails_the_task(fleet):
    """Beyond sessions, too, there is a bound, and the error says which."""
    plan = sequence(*(kept(f"k{n}", "x" * 4_000, "agent") for n in range(20)))
    await fleet.run("one", plan, until="failed")
    assert "memories of the scope agent would be 17 keys" in fleet.log("one")[-1]["error"]
    assert len(fleet.rows(scope="agent")) == 16


class Working(Tasks):
    def __init__(self, folder, *answers):
        super().__init__(folder, *answers)
        tools = [*self.hands.registry.tools.values(), remember, recall, forget, restore]
        self.toolbox = Toolbox(Registry(tools))

    def more(self, store):
        self.memories = SharedMemories(store)
        return [self.memories]

    async def begin(self):
        await self.memories.load()
        await super().begin()


async def test_a_task_remembers_for_its_later_work(data):
    """By the scope of its tools; thoughts see it as material from outside."""
    tasks = Working(data)
    await tasks.start()
    try:
        tasks.model.answers += [
            answer("remember", key="house", text="Elm Street 3", scope="agent"),
            answer("remember", key="all", text="mind the gap", scope="shared"),
            answer("recall", key="house"),
            answer("forget", key="all", scope="shared"),
            answer("restore", key="all", scope="shared"),
            answer("forget", key="house"),
            finished(),
        ]
        await tasks.task(tools=["test", "memory"])
        await tasks.until_row("final")
        said = [outcome["text"] for _, outcome in tasks.acts()]
        assert said[:5] == [
            "kept under 'house'", "kept under 'all'", "Elm Street 3", "forgotten", "mind the gap",
        ]  # fmt: skip
        assert "nothing is kept under 'house'" in said[5], "not in the scope session"
        await tasks.do(q.agent_destroy_action, "a", "ann")
        tasks.model.answers += [answer("recall"), finished()]
        config = {"goal": "go on", "tools": ["test", "memory"]}
        got = await tasks.do(
            q.agent_create, "a", "ann", agent_type="task", session_id="later", config=config
        )
        assert got["outcome"] == "applied", got
        await tasks.until_row("final", "later")
        state = json.loads(state_of(tasks.store.reader, "later")["context"])
        assert state["outside"] is True
        assert "remembered (agent) under 'house': Elm Street 3" in str(tasks.model.asked[-1])
    finally:
        await tasks.stop()
    await asyncio.to_thread(data_folder.verified, data)


async def test_a_tick_that_was_overtaken_is_done_again(data, monkeypatch):
    """Nothing of it was written, and the second time it is on record once."""
    follow, asked = SharedMemories._follow, []

    def at_first_not(self, agent_id, rows):
        asked.append([row.version for row in rows])
        return len(asked) > 1 and follow(self, agent_id, rows)

    monkeypatch.setattr(SharedMemories, "_follow", at_first_not)
    tasks = Working(data)
    await tasks.start()
    try:
        keep = answer("remember", key="k", text="v", scope="shared")
        tasks.model.answers += [keep, keep, finished()]  # the thought is one with its call
        await tasks.task(tools=["test", "memory"])
        await tasks.until_row("final")
        assert [outcome["text"] for _, outcome in tasks.acts()] == ["kept under 'k'"]
        assert asked == [[1], [1]]
        assert [row["version"] for row in list_memories(store=tasks.store.reader)] == [1]
    finally:
        await tasks.stop()
    await asyncio.to_thread(data_folder.verified, data)
