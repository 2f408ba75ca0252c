"""An orchestrator and its children: made once, told of each end, settled together."""

import asyncio
import json

import pytest

import queue_imp as q
from agent_core.agent.registry import AgentTypes
from agent_core.agent.services import Services
from agent_core.children.children import Children
from agent_core.inbox.inbox import Inbox
from reins.llm import Model
from reins.tools.registry import Registry
from reins.tools.toolbox import Toolbox
from store.agent_state import list_agent_states
from store.queue import writer as queue_writer
from tests.integration.agent_core.conftest import Fleet
from tests.support import data_folder
from tests.support.waiting import until_async

WORKERS = {"leaf": {"agent_type": "leaf", "brief": "does as it is told"}}


class Planner:
    """A model that plans as it is told, and accepts what is done."""

    def __init__(self, *plans):
        self.plans = [*plans]
        self.asked = []

    async def structured(self, function, shape, **arguments):
        self.asked.append((function, arguments))
        return Answer(shape(**self.answer(function, arguments)))

    def answer(self, function, arguments):
        if function in ("PlanTasks", "ReplanTasks"):
            return {"tasks": self.plans.pop(0)}
        if function == "JudgeResult":
            done = json.loads(arguments["result"])["status"] == "done"
            return {"verdict": "accept" if done else "again", "reason": "as it says"}
        assert function == "SumUpTasks"
        return {"status": "done", "summary": "; ".join(arguments["tasks"])}

    def functions(self):
        return [function for function, _ in self.asked]


class Answer:
    def __init__(self, value):
        self.value = value


def task(name, brief, *needs, accept="it is done", worker="leaf"):
    return {
        "id": name, "worker": worker, "brief": brief, "acceptance": accept, "needs": [*needs],
    }  # fmt: skip


class Trees(Fleet):
    def __init__(self, folder, *plans):
        self.planner = Planner(*plans)
        super().__init__(
            folder, modules=("agents_impl.orchestrator.agent", "tests.support.leaf_agents")
        )

    def make_parts(self, store):
        children, inbox = Children(), Inbox(store)
        self.services = Services(
            children, inbox, Toolbox(Registry({})), store.reader,
            per_session={Model: lambda _: self.planner},
        )  # fmt: skip
        self.parts = {"children": children, "inbox": inbox}

    async def plan(self, name="plan", **config):
        config = {"goal": "have it done", "workers": WORKERS} | config
        return await self.do(q.agent_create, name, "ann", agent_type="orchestrator", config=config)

    def statuses(self):
        states = list_agent_states(store=self.store.reader)
        return {each["session_id"]: each["status"] for each in states}

    async def until_status(self, session_id, status):
        await until_async(
            lambda: self.statuses().get(session_id) == status, f"{session_id} is {status}"
        )

    def tasks(self, name="plan"):
        return {each["id"]: each for each in json.loads(self.state(name)["context"])["tasks"]}

    def result(self, name="plan"):
        return json.loads(self.log(name)[-1]["payload"])["result"]["payload"]


@pytest.fixture
async def trees(data):
    made = Trees(data)
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, data)


async def test_a_goal_becomes_sessions_and_a_result(trees):
    """Tasks begin when what they need is done, with its results; the end has a part for each."""
    trees.planner.plans = [
        [task("t1", "done one"), task("t2", "done two"), task("t3", "done three", "t1", "t2")]
    ]
    assert (await trees.plan())["outcome"] == "applied"
    await trees.until_status("plan", "completed")
    assert trees.statuses() == dict.fromkeys(
        ("plan", "plan.t1.1", "plan.t2.1", "plan.t3.1"), "completed"
    )
    third = trees.state("plan.t3.1")
    assert (third["parent_session_id"], third["root_session_id"]) == ("plan", "plan")
    given = json.loads(trees.log("plan.t3.1")[0]["payload"])["config"]
    assert given["goal"].startswith("done three\n\nAccepted if: ")
    assert [each.split(":")[0] for each in given["facts"]] == ["leaf did t1", "leaf did t2"]
    result = trees.result()
    assert result["status"] == "done"
    assert [each["session_id"] for each in result["tasks"]] == [
        "plan.t1.1", "plan.t2.1", "plan.t3.1",
    ]  # fmt: skip
    assert trees.planner.functions().count("JudgeResult") == 3


async def test_a_parent_costs_nothing_while_its_children_work(trees):
    """No tick, no row; it says for whom it waits."""
    trees.planner.plans = [[task("t1", "never ends")]]
    await trees.plan()
    await until_async(lambda: len(trees.log("plan.t1.1")) > 2, "the child works")
    rows, ticks = len(trees.log("plan")), trees.state("plan")["iteration"]
    await asyncio.sleep(0.3)
    assert (len(trees.log("plan")), trees.state("plan")["iteration"]) == (rows, ticks)
    waits = json.loads(trees.state("plan")["waits"])
    assert (waits["kind"], waits["reason"]) == ("child", "waits for t1 (plan.t1.1)")


async def test_a_failure_is_tried_again_then_planned_anew_then_held(trees):
    """One retry with what was wrong, two new plans, and then a person is needed."""
    trees.planner.plans = [[task(name, "failed as ever")] for name in ("t1", "t2", "t3", "t4")]
    await trees.plan()
    await until_async(
        lambda: json.loads(trees.state("plan")["waits"] or "{}").get("kind") == "stuck",
        "it is held",
    )
    assert sorted(trees.statuses()) == [
        "plan", "plan.t1.1", "plan.t1.2", "plan.t2.1", "plan.t2.2", "plan.t3.1", "plan.t3.2",
    ]  # fmt: skip
    again = json.loads(trees.log("plan.t1.2")[0]["payload"])["config"]
    assert again["facts"] == ["The attempt before was not accepted: as it says"]
    assert trees.planner.functions().count("ReplanTasks") == 2
    got = await trees.do(q.agent_interrupt, "plan", "ann", "try something else")
    assert got["outcome"] == "applied"
    await until_async(lambda: "plan.t4.1" in trees.statuses(), "a person's word counts")


async def test_a_child_that_crashes_is_tried_again(trees):
    """Its session has failed; the next one is told why, and no model is asked about it."""
    trees.planner.plans = [[task("t1", "crash")], [task("t2", "done two")]]
    await trees.plan()
    await trees.until_status("plan", "completed")
    assert trees.statuses()["plan.t1.2"] == "failed"
    assert trees.tasks()["t1"]["state"] == "failed"


async def test_a_child_that_is_destroyed_is_an_answer(trees):
    """No retry: the plan is made anew."""
    trees.planner.plans = [[task("t1", "never ends")], [task("t2", "done two")]]
    await trees.plan()
    await until_async(lambda: "plan.t1.1" in trees.sessions.live, "it works")
    await trees.do(q.agent_destroy_action, "plan.t1.1", "ann", "not that way")
    await trees.until_status("plan", "completed")
    assert "plan.t1.2" not in trees.statuses()
    assert "destroyed" in trees.planner.asked[1][1]["why"]


async def test_children_follow_their_parent(trees):
    """Paused with it, resumed with it, but for one that a person has set apart; stopped with it."""
    trees.planner.plans = [[task("t1", "never one"), task("t2", "never two")]]
    await trees.plan()
    await until_async(lambda: "plan.t2.1" in trees.sessions.live, "they work")
    await trees.do(q.agent_pause_action, "plan", "ann")
    await trees.until_status("plan.t1.1", "paused")
    await trees.until_status("plan.t2.1", "paused")
    paused = [row for row in trees.log("plan.t1.1") if row["text"].startswith("paused")]
    assert json.loads(paused[-1]["payload"])["actor"] == "plan"
    await trees.do(q.agent_pause_action, "plan.t1.1", "ann")
    await trees.do(q.agent_resume_action, "plan", "ann")
    await trees.until_status("plan.t2.1", "running")
    assert trees.statuses()["plan.t1.1"] == "paused"  # by a person, by now
    await trees.do(q.agent_destroy_action, "plan", "ann")
    await trees.until_status("plan.t1.1", "stopped")
    await trees.until_status("plan.t2.1", "stopped")


async def test_orphans_go_on(trees):
    """Where the configuration says so."""
    trees.planner.plans = [[task("t1", "never ends")]]
    await trees.plan(settle="orphan")
    await until_async(lambda: "plan.t1.1" in trees.sessions.live, "it works")
    await trees.do(q.agent_pause_action, "plan", "ann")
    await trees.do(q.agent_destroy_action, "plan", "ann")
    await asyncio.sleep(0.1)
    assert trees.statuses() == {"plan": "stopped", "plan.t1.1": "running"}


async def test_a_restart_in_the_middle(trees):
    """What ended meanwhile is taken in, a pause that was on its way comes, nobody is made twice."""
    trees.planner.plans = [
        [task("t1", "done one"), task("t2", "never two"), task("t3", "done", "t1")]
    ]
    await trees.plan()
    await until_async(lambda: "plan.t2.1" in trees.sessions.live, "they work")
    trees.sessions.live["plan"].agent.retire()  # it takes in nothing more here
    await trees.until_status("plan.t1.1", "completed")
    await trees.stop()
    again = Trees(trees.folder)
    await again.start("start-2")
    try:
        await again.until_status("plan.t3.1", "completed")
        assert again.tasks()["t1"]["attempt"] == 1
        await again.do(q.agent_destroy_action, "plan.t2.1", "ann")
        again.planner.plans = [[task("t4", "done four")]]
        await again.until_status("plan", "completed")
    finally:
        await again.stop()
        trees.sessions.live.clear()
        await trees.start("start-3")


async def test_what_has_not_begun_can_be_edited(trees):
    """Tasks are added, changed and dropped; what has begun is steered in its session."""
    trees.planner.plans = [
        [task("t1", "never ends"), task("t2", "done two", "t1"), task("t3", "done three", "t2")]
    ]
    await trees.plan()
    await until_async(lambda: "plan.t1.1" in trees.sessions.live, "it works")
    edit = {
        "type": "plan",
        "put": [task("t2", "done otherwise", "t1"), task("t5", "done five")],
        "drop": ["t3"],
    }
    got = await trees.do(q.agent_interrupt, "plan", "ann", edit)
    assert got["outcome"] == "applied", got
    await trees.until_status("plan.t5.1", "completed")
    assert {name: each["brief"] for name, each in trees.tasks().items()} == {
        "t1": "never ends", "t2": "done otherwise", "t5": "done five",
    }  # fmt: skip
    refused = await trees.do(q.agent_interrupt, "plan", "ann", {"type": "plan", "drop": ["t1"]})
    assert "task t1 has begun; steer its session instead (plan.t1.1)" in refused["error"]


async def test_the_budget_of_the_tree_holds_all_of_it(trees):
    """A child is held at the limit of the root, and goes on when that is raised."""
    trees.planner.plans = [[task("t1", "done one"), task("t2", "done two")]]
    workers = {"leaf": WORKERS["leaf"] | {"config": {"tokens": 60, "ticks": 3}}}
    await trees.plan(workers=workers, budget={"tree": {"tokens": 200}})
    await until_async(
        lambda: [s for s in trees.sessions.live.values() if s.held is not None], "one is held"
    )
    held = next(s.held for s in trees.sessions.live.values() if s.held is not None)
    assert (held["scope"], held["limit"]) == ("tree", 200)
    taken = trees.sessions.ledger.trees["plan"].sums()["tokens"]
    assert 200 <= taken <= 240
    raised = {"type": "set_budget", "scope": "tree", "tokens": 10_000}
    await trees.do(q.agent_interrupt, "plan", "ann", raised)
    await trees.until_status("plan", "completed")
    assert trees.sessions.ledger.trees["plan"].sums()["tokens"] == 360


async def test_a_plan_that_cannot_be_used_is_asked_for_again(trees):
    """Circles and unknown workers are told to the model; three in a row are a person's matter."""
    circle = [task("t1", "done", "t2"), task("t2", "done", "t1")]
    trees.planner.plans = [circle, [task("t1", "done", worker="nobody")], [task("t1", "done one")]]
    await trees.plan()
    await trees.until_status("plan", "completed")
    problems = [arguments["problem"] for _, arguments in trees.planner.asked[:3]]
    assert problems[0] is None
    assert "circle" in problems[1]
    assert "'nobody'" in problems[2]


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({"workers": {"x": {"agent_type": "nothing"}}}, "agent type is 'nothing'"),
        ({"workers": {"x": {"agent_type": "leaf", "config": {"nope": 1}}}}, "nope"),
        ({"workers": {"x": {"agent_type": "leaf", "tools": ["files"]}}, "goal": " "}, "goal"),
    ],
)
async def test_an_orchestrator_that_cannot_work_is_refused(trees, config, error):
    """Before it begins: an unknown type, a configuration that does not fit, no goal."""
    got = await trees.plan(**config)
    assert got["outcome"] == "rejected"
    assert error in got["error"]


async def test_an_end_is_taken_in_though_a_tick_comes_to_nothing(trees):
    """The model is away when the child has ended: the end is looked at again, not forgotten."""
    answer, failing = trees.planner.answer, [RuntimeError("away"), RuntimeError("away")]

    def away_at_first(function, arguments):
        if function == "JudgeResult" and failing:
            raise failing.pop()
        return answer(function, arguments)

    trees.planner.answer = away_at_first
    trees.planner.plans = [[task("t1", "done one")]]
    await trees.plan()
    await trees.until_status("plan", "completed")
    assert trees.kinds("plan").count("error") == 2


async def test_nobody_else_says_whose_child_a_session_is(trees):
    """A create with a parent is refused; an id of that form is an id as any other."""
    given = {"agent_type": "leaf", "config": {"goal": "done"}, "parent_session_id": "plan"}
    action = q.create_action("create_agent", "ann", agent_id="x", **given)
    queue_writer.writer_at(trees.folder).append(action)
    refused = await trees.receipt(action["action_id"])
    assert refused["outcome"] == "rejected"
    assert "parent_session_id" in refused["error"]
    trees.planner.plans = [[task("t1", "never ends")]]
    await trees.plan()
    got = await trees.do(
        q.agent_create, "plan.t2.1", "ann", agent_type="leaf", config={"goal": "done"}
    )
    assert got["outcome"] == "applied"
    assert trees.state("plan.t2.1")["parent_session_id"] is None


async def test_a_start_without_the_type_of_a_parent(trees):
    """Its children go on; so does the parent once its type is there again."""
    trees.planner.plans = [[task("t1", "never ends")]]
    await trees.plan()
    await until_async(lambda: "plan.t1.1" in trees.sessions.live, "it works")
    await trees.stop()
    both, trees.modules = trees.modules, ("tests.support.leaf_agents",)
    await trees.start("start-2")
    assert sorted(trees.sessions.live) == ["plan.t1.1"]
    await trees.stop()
    trees.modules = both
    await trees.start("start-3")
    assert sorted(trees.sessions.live) == ["plan", "plan.t1.1"]
    await trees.do(q.agent_destroy_action, "plan", "ann")
    await trees.until_status("plan.t1.1", "stopped")


async def test_an_orchestrator_below_another(trees):
    """Two generations: each knows its parent and the root, and follows over both."""
    deep = {"lead": {"agent_type": "orchestrator", "config": {"workers": WORKERS}}}
    trees.planner.plans = [
        [task("t1", "have it done", worker="lead")],
        [task("s1", "done first"), task("s2", "never ends", "s1")],
    ]
    await trees.plan(workers=deep)
    await until_async(lambda: "plan.t1.1.s2.1" in trees.sessions.live, "two generations work")
    leaf = trees.sessions.live["plan.t1.1.s2.1"].lineage
    assert (leaf.parent, leaf.root, leaf.depth, leaf.task) == ("plan.t1.1", "plan", 2, "s2")
    await trees.do(q.agent_pause_action, "plan", "ann")
    await trees.until_status("plan.t1.1.s2.1", "paused")
    await trees.do(q.agent_resume_action, "plan", "ann")
    await trees.until_status("plan.t1.1.s2.1", "running")
    await trees.do(q.agent_destroy_action, "plan", "ann")
    await trees.until_status("plan.t1.1.s2.1", "stopped")


async def test_a_destroyed_tree_is_restored_whole(trees):
    """Over two generations, also while the last ends; all go on, and nothing is planned anew."""
    deep = {"lead": {"agent_type": "orchestrator", "config": {"workers": WORKERS}}}
    trees.planner.plans = [
        [task("t1", "have it done", worker="lead")],
        [task("s1", "never one"), task("s2", "never two")],
    ]
    await trees.plan(workers=deep)
    await until_async(lambda: "plan.t1.1.s2.1" in trees.sessions.live, "two generations work")
    await trees.do(q.agent_destroy_action, "plan", "ann")
    got = await trees.do(q.agent_restore_action, "plan", "bob")
    assert got["outcome"] == "applied"
    assert set(trees.sessions.live) == {"plan", "plan.t1.1", "plan.t1.1.s1.1", "plan.t1.1.s2.1"}
    texts = [row["text"] for row in trees.log("plan.t1.1.s2.1")]
    assert "restored by bob, running" in texts
    assert trees.tasks()["t1"]["state"] == "running"
    assert trees.planner.functions() == ["PlanTasks", "PlanTasks"]
    await trees.do(q.agent_destroy_action, "plan", "ann")
    await trees.until_status("plan.t1.1.s1.1", "stopped")


async def test_what_was_destroyed_by_hand_stays_so_when_its_parent_is_restored(trees):
    trees.planner.plans = [[task("t1", "never one"), task("t2", "never two")]]
    await trees.plan()
    await until_async(lambda: "plan.t2.1" in trees.sessions.live, "they work")
    await trees.do(q.agent_pause_action, "plan", "ann")
    await trees.until_status("plan.t2.1", "paused")
    await trees.do(q.agent_destroy_action, "plan.t1.1", "ann")
    await trees.do(q.agent_destroy_action, "plan", "ann")
    await trees.until_status("plan.t2.1", "stopped")
    await trees.do(q.agent_restore_action, "plan", "ann")
    assert trees.statuses() == {"plan": "paused", "plan.t1.1": "stopped", "plan.t2.1": "paused"}


async def test_an_orchestrator_whose_worker_is_too_deep_is_refused(trees):
    """Before it begins: nothing below it could have children."""
    deep = {"lead": {"agent_type": "orchestrator", "config": {"workers": WORKERS, "max_depth": 1}}}
    got = await trees.plan(workers=deep)
    assert got["outcome"] == "rejected"
    assert "it is 1 generations below plan; expected less than 1" in got["error"]


async def test_nobody_takes_the_place_of_a_child(trees):
    """Its id stays its own: its parent would take another's word for its child's."""
    trees.planner.plans = [[task("t1", "never one")]]
    await trees.plan()
    await until_async(lambda: "plan.t1.1" in trees.sessions.live, "it works")
    await trees.do(q.agent_pause_action, "plan", "ann")
    await trees.do(q.agent_destroy_action, "plan.t1.1", "ann")
    got = await trees.do(
        q.agent_create, "plan.t1.1", "bob", agent_type="leaf", config={"goal": "done"}
    )
    assert "was made by plan for a task of its own" in got["error"]


async def test_the_limit_of_a_tree_is_its_roots(trees):
    """A worker's configuration does not set it."""
    config = {"config": {"budget": {"tree": {"tokens": 9}}}}
    got = await trees.plan(workers={"leaf": WORKERS["leaf"] | config})
    assert got["outcome"] == "rejected"
    assert "worker 'leaf': a child's budget has a limit of scope tree" in got["error"]


async def test_a_child_comes_back_only_where_its_parent_is(trees):
    """Restored below a paused parent it is paused; below one that is over it is refused."""
    trees.planner.plans = [[task("t1", "never one"), task("t2", "never two")]]
    await trees.plan()
    await until_async(lambda: "plan.t2.1" in trees.sessions.live, "they work")
    await trees.do(q.agent_destroy_action, "plan.t1.1", "ann")
    await trees.do(q.agent_pause_action, "plan", "ann")
    await trees.do(q.agent_restore_action, "plan.t1.1", "ann")
    await trees.until_status("plan.t1.1", "paused")
    await trees.do(q.agent_destroy_action, "plan", "ann")
    await trees.until_status("plan.t1.1", "stopped")
    got = await trees.do(q.agent_restore_action, "plan.t1.1", "ann")
    assert "the parent plan of session plan.t1.1 is stopped; restore that" in got["error"]


async def test_a_failed_child_does_not_run_again_without_its_parent(trees):
    trees.planner.plans = [[task("t1", "crash")], [task("t2", "never ends")]]
    await trees.plan()
    await until_async(lambda: "plan.t2.1" in trees.sessions.live, "the plan was made anew")
    await trees.do(q.agent_destroy_action, "plan", "ann")
    await trees.until_status("plan.t2.1", "stopped")
    got = await trees.do(q.agent_resume_action, "plan.t1.1", "ann")
    assert "the parent plan of session plan.t1.1 is stopped" in got["error"]


async def test_tasks_that_are_used_up_end_it(trees):
    """Nobody can give it more: it sums up, with the failure in it."""
    trees.planner.plans = [[task("t1", "crash")]]
    await trees.plan(max_tasks=1)
    await trees.until_status("plan", "completed")
    assert trees.tasks()["t1"]["state"] == "failed"
    assert "no further task is allowed (1, max_tasks)" in trees.log("plan")[-3]["text"]


async def test_a_persons_task_outlives_a_new_plan(trees):
    """Also one that comes while a new plan is about to be made: it answers that."""
    trees.planner.plans = [
        [task("t1", "never one"), task("t2", "done two", "t1")],
        [task("t4", "done four", "mine")],
    ]
    await trees.plan()
    await until_async(lambda: "plan.t1.1" in trees.sessions.live, "it works")
    mine = {"type": "plan", "put": [task("mine", "done mine", "t1")]}
    await trees.do(q.agent_interrupt, "plan", "ann", mine)
    await trees.do(q.agent_destroy_action, "plan.t1.1", "ann")
    await trees.until_status("plan", "completed")
    assert {name: each["state"] for name, each in trees.tasks().items()} == {
        "t1": "failed", "mine": "done", "t4": "done",
    }  # fmt: skip


async def test_an_id_that_is_taken_costs_no_attempt(trees):
    await trees.do(q.agent_create, "plan.t1.1", "bob", agent_type="leaf", config={"goal": "done"})
    trees.planner.plans = [[task("t1", "crash")], [task("t2", "done two")]]
    await trees.plan()
    await trees.until_status("plan", "completed")
    tries = {each["task"]: each["attempts"] for each in trees.result()["tasks"]}
    assert tries == {"t1": 2, "t2": 1}
    assert trees.tasks()["t1"]["session"] == "plan.t1.3"


async def test_a_drop_that_is_undone_gives_the_needs_back(trees):
    trees.planner.plans = [
        [task("t1", "never one"), task("t2", "done two", "t1"), task("t3", "done three", "t2")]
    ]
    await trees.plan(max_children=1)
    await until_async(lambda: "plan.t1.1" in trees.sessions.live, "it works")
    drop = await trees.ask(q.agent_interrupt, "plan", "ann", {"type": "plan", "drop": ["t2"]})
    await trees.receipt(drop)
    assert trees.tasks()["t3"]["needs"] == []
    got = await trees.do(q.guidance_undo, drop, "ann")
    assert got["outcome"] == "applied", got
    assert trees.tasks()["t3"]["needs"] == ["t2"]
    both = {"type": "plan", "put": [task("t2", "done", "t1")], "drop": ["t2"]}
    got = await trees.do(q.agent_interrupt, "plan", "ann", both)
    assert "t2 is in put and in drop" in got["error"]


async def test_a_task_that_cannot_begin_is_planned_anew(trees):
    """What has changed since the create fails the task, not the tree."""
    trees.planner.plans = [
        [task("t1", "done one"), task("t2", "done two", "t1", worker="other")],
        [task("t3", "done three")],
    ]
    workers = WORKERS | {"other": {"agent_type": "late", "brief": "is gone by then"}}
    trees.types.by_name["late"] = trees.types.by_name["leaf"]
    await trees.plan(workers=workers)
    del trees.types.by_name["late"]
    await trees.until_status("plan", "completed")
    assert trees.tasks()["t2"]["state"] == "failed"
    assert "t2: it cannot begin: agent type is 'late'" in trees.planner.asked[2][1]["why"]


async def test_a_child_whose_type_is_missing_is_waited_for(trees):
    """Without a tick; the reason is said, and a reload that has the type lets it go on."""
    trees.planner.plans = [[task("t1", "never one")]]
    await trees.plan(heartbeat_s=0)
    await until_async(lambda: "plan.t1.1" in trees.sessions.live, "it works")
    await trees.stop()
    both, trees.modules = trees.modules, ("agents_impl.orchestrator.agent",)
    await trees.start("start-2")
    await until_async(
        lambda: "cannot be rebuilt" in (trees.state("plan")["waits"] or ""), "it says so"
    )
    rows, ticks = len(trees.log("plan")), trees.state("plan")["iteration"]
    await asyncio.sleep(0.3)
    assert (len(trees.log("plan")), trees.state("plan")["iteration"]) == (rows, ticks)
    await trees.do(q.agent_destroy_action, "plan", "ann")
    trees.modules = both
    trees.types.take(AgentTypes(both).read())
    await trees.sessions.revive()
    await trees.until_status("plan.t1.1", "stopped")


async def test_an_id_that_leaves_its_children_no_room_is_refused(trees):
    got = await trees.plan("p" * 240)
    assert "expected 226 at the most, so that its children can have theirs" in got["error"]
