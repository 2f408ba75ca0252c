"""Sessions that run a plan: side by side, paused, steered, held, and over restarts."""

import asyncio
import json
import time

import pytest

import queue_imp as q
from agent_core.agent.services import Services
from reins.llm import Model
from reins.plan_modules import PlanModules
from reins.plans import Actions, Task, choose, parallel, race, retry, sequence, timeout, to_data
from reins.plans.builtin import built_in
from tests.integration.agent_core.conftest import Fleet
from tests.support import data_folder
from tests.support.waiting import until_async

GATE: dict[str, asyncio.Event] = {}
RAN: list[str] = []


def actions():
    made = Actions()
    made.take(built_in)

    @made.action
    async def add(state, ctx):
        RAN.append(ctx.path)
        await asyncio.sleep(ctx.args.get("s", 0.0))
        ctx.say(f"added {ctx.args['name']}")
        return {**state, ctx.args["name"]: ctx.guidance or ctx.key.rpartition(":")[2]}

    @made.action
    async def wait(state, ctx):
        RAN.append(ctx.path)
        await GATE.setdefault(ctx.args.get("gate", "g"), asyncio.Event()).wait()
        return {**state, "waited": True}

    @made.action
    async def flaky(state, ctx):
        RAN.append(ctx.path)
        if ctx.attempt < 2:
            raise ConnectionError("not yet")
        return {**state, "flaky": ctx.attempt}

    @made.action
    def block(state, ctx):
        RAN.append(ctx.path)
        ctx.stop.wait(20)
        time.sleep(0.5)
        return state

    @made.action
    async def listen(_state, ctx):
        RAN.append(ctx.path)
        try:
            await asyncio.Event().wait()
        finally:
            RAN.append(f"stop is set: {ctx.stop.is_set()}")

    made.function("pick", lambda _state: 0)
    made.plan("named", sequence(Task("wait"), add_("last")))
    return made


def add_(name, s=0.0):
    return Task("add", {"name": name, "s": s})


class Answer:
    def __init__(self, text):
        self.text, self.tokens_in, self.tokens_out, self.cost_usd = text, 30, 20, 0.0


class AwayError(Exception):
    waits_for = "model"


class Answers:
    """A model that answers with the prompt, on the session's account; unless it is away."""

    away = 0

    def __init__(self, caller):
        self.caller = caller

    async def call(self, _function, messages):
        if Answers.away:
            Answers.away -= 1
            raise AwayError("nobody answers")
        kept = self.caller.reserve(50, 0.0)
        await asyncio.sleep(0.01)
        self.caller.settle(kept, 30, 20, 0.0)
        return Answer(messages[-1]["content"].upper())


class Plans(Fleet):
    def __init__(self, folder, made=None):
        self.plans = PlanModules()
        self.plans.take(made or actions())
        super().__init__(
            folder, modules=("agents_impl.plan.agent",),
            services=Services(self.plans, per_session={Model: Answers}),
        )  # fmt: skip

    async def plan(self, plan=None, **config):
        given = {} if plan is None else {"plan": to_data(plan)}
        return await self.do(q.agent_create, "a", "ann", agent_type="plan", config=given | config)

    async def until_status(self, status):
        await until_async(lambda: self.state()["status"] == status, f"it is {status}")

    def nodes(self):
        rows = [row for row in self.log() if row["kind"] == "tick"]
        return [node for row in rows for node in json.loads(row["payload"])["nodes"]]

    def outcomes(self):
        return [(node["path"], node["outcome"]) for node in self.nodes()]

    def end(self):
        return json.loads(self.log()[-1]["payload"])["result"]["payload"]


@pytest.fixture
async def fleet(data):
    GATE.clear()
    RAN.clear()
    made = Plans(data)
    await made.start()
    yield made
    for gate in GATE.values():
        gate.set()
    await made.stop(grace_s=0.2)
    await asyncio.to_thread(data_folder.verified, data)


async def test_branches_run_side_by_side_and_each_end_is_on_record(fleet):
    """The quick branch is a row while the slow one runs; what it says, and its time, are there."""
    plan = sequence(add_("first"), parallel(add_("slow", 0.4), add_("quick", 0.1)), add_("last"))
    assert (await fleet.plan(plan, state={"x": 1}))["outcome"] == "applied"
    await fleet.until_status("completed")
    assert fleet.outcomes() == [
        ("/0", "done"), ("/1/1", "done"), ("/1/0", "done"), ("/2", "done"),
    ]  # fmt: skip
    slow = next(node for node in fleet.nodes() if node["path"] == "/1/0")
    quick = next(node for node in fleet.nodes() if node["path"] == "/1/1")
    assert slow["started_at"] < quick["started_at"] + quick["took_ms"] * 1_000
    assert (slow["name"], slow["said"]) == ("add", ["added slow"])
    assert fleet.end() == {
        "status": "done",
        "state": {"x": 1, "first": "/0", "slow": "/1/0", "quick": "/1/1", "last": "/2"},
    }


async def test_a_race_ends_the_losers_on_record(fleet):
    await fleet.plan(race(Task("wait"), add_("won", 0.05), Task("block")))
    await fleet.until_status("completed")
    assert dict(fleet.outcomes()) == {"/0": "cancelled", "/1": "done", "/2": "abandoned"}


async def test_a_restart_does_nothing_again_that_is_on_record(fleet):
    """Amid a parallel; what was in flight is begun again under the same key."""
    plan = sequence(parallel(add_("done", 0.01), Task("wait")), add_("last"))
    await fleet.plan(plan)
    await until_async(lambda: ("/0/0", "done") in fleet.outcomes(), "one branch has ended")
    await fleet.stop(grace_s=0.1)
    RAN.clear()
    await fleet.start("start-2")
    await until_async(lambda: RAN == ["/0/1"], "the other is begun again")
    GATE["g"].set()
    await fleet.until_status("completed")
    assert RAN == ["/0/1", "/1"]


async def test_a_pause_stops_the_clocks(fleet):
    """A wait before another attempt goes on where it was; so does a timeout."""
    await fleet.plan(
        parallel(
            retry(Task("flaky"), attempts=2, delay_s=60.0),
            timeout(Task("wait"), 90.0),
        )
    )
    await until_async(lambda: ("/0/0~1", "failed") in fleet.outcomes(), "the first has failed")
    pause = await fleet.ask(q.agent_pause_action, "a", "ann")
    GATE["g"].set()
    assert (await fleet.receipt(pause))["outcome"] == "applied"
    tree = json.loads(fleet.state()["context"])["tree"]
    assert 50 < tree["at"]["0"]["left_s"] < 60
    assert "1" not in tree["at"]
    await fleet.do(q.agent_resume_action, "a", "ann")
    assert fleet.sessions.live["a"].agent.work.running == {"alarm /0"}


async def test_a_timeout_ends_what_it_is_about(fleet):
    await fleet.plan(timeout(Task("wait"), 0.1))
    await fleet.until_status("failed")
    assert fleet.outcomes() == [("/", "alarm"), ("/0", "cancelled")]
    assert "after 0.1 s" in fleet.log()[-1]["error"]


async def test_a_failed_plan_goes_on_from_before_its_failure(fleet):
    """After a resume the task that failed is begun again, and nothing else."""
    await fleet.plan(sequence(add_("first"), Task("put", {"to": "x"})))
    await fleet.until_status("failed")
    assert "put needs the argument value" in fleet.log()[-1]["error"]
    RAN.clear()
    await fleet.do(q.agent_resume_action, "a", "ann")
    await until_async(lambda: fleet.outcomes().count(("/1", "failed")) == 2, "it was tried again")
    assert RAN == []


async def test_guidance_acts_on_a_task_that_runs(fleet):
    """skip, set, retry and cancel; words reach what begins later."""
    plan = sequence(
        parallel(Task("wait", {"gate": "a"}), Task("wait", {"gate": "b"}), policy="ALL"),
        add_("last"),
    )
    await fleet.plan(plan, state={})
    await until_async(lambda: len(RAN) == 2, "both run")
    guide = [
        ("be brief", "applied"),
        ({"type": "retry", "path": "/0/0"}, "applied"),
        ({"type": "cancel", "path": "/0/0"}, "rejected"),
        ({"type": "skip", "path": "/0/0"}, "applied"),
        ({"type": "skip", "path": "/0/0"}, "rejected"),
        ({"type": "set", "path": "/0/1", "state": {"told": 1}}, "applied"),
    ]
    for guidance, outcome in guide:
        got = await fleet.do(q.agent_interrupt, "a", "ann", guidance)
        assert got["outcome"] == outcome, (guidance, got)
    await fleet.until_status("completed")
    assert RAN == ["/0/0", "/0/1", "/0/0", "/1"]
    assert fleet.end()["state"] == {"told": 1, "last": ["be brief"]}
    texts = [row["text"] for row in fleet.log() if row["kind"] == "guidance"]
    assert "skip: /0/0 (wait)" in texts


async def test_another_item_of_a_choose_runs_when_a_person_says_so(fleet):
    """It begins with the state that the choose was given; what ran is cancelled."""
    slow = sequence(add_("first"), Task("wait"))
    plan = sequence(add_("before"), choose(slow, "put", add_("quick"), selector="pick"))
    await fleet.plan(plan, state={})
    await until_async(lambda: RAN[-1:] == ["/1/0/1"], "the slow one runs")
    guide = [
        ({"path": "/1", "item": 0}, "/1 has chosen 0 (sequence) already"),
        ({"path": "/1", "item": 3}, "item is 3; expected one of those at /1: 0 (sequence), 1 (put"),
        ({"path": "/1", "item": "quik"}, "item is 'quik'"),
        ({"path": "/0", "item": 1}, "no choose stands at /0; there are: /1 (item 0)"),
        ({"path": "/1", "item": True}, "choose.item"),
        ({"path": "/1", "item": 2}, None),
    ]
    for order, error in guide:
        got = await fleet.do(q.agent_interrupt, "a", "ann", {"type": "choose", **order})
        assert (error or "") in (got["error"] or ""), got
        assert got["outcome"] == ("rejected" if error else "applied")
    await fleet.until_status("completed")
    assert RAN[-1] == "/1/2#2"
    state = fleet.end()["state"]
    assert (state["before"], state["quick"], "first" in state) == ("/0", "/1/2#2", False)
    [text] = [row["text"] for row in fleet.log() if row["kind"] == "guidance"]
    assert text == "choose: /1 2 (add); /1 was told to choose 2"


async def test_a_task_hears_that_it_is_cancelled_before_it_is(fleet):
    """Its `stop` is set when its cancellation reaches it."""
    await fleet.plan(race(Task("listen"), Task("wait")))
    await until_async(lambda: RAN == ["/0", "/1"], "both run")
    GATE["g"].set()
    await fleet.until_status("completed")
    assert RAN[-1] == "stop is set: True"


async def test_a_model_is_asked_on_the_sessions_account(fleet):
    """Its tokens count once; a budget that is spent holds it, and raised it goes on."""
    ask = Task("ask", {"prompt": "what is {x}", "to": "y"})
    await fleet.plan(
        sequence(ask, ask), state={"x": "an otter"}, budget={"session": {"tokens": 80}}
    )
    await fleet.until_status("paused")
    assert fleet.log()[-1]["text"].startswith("paused: budget: ")
    raised = {"type": "set_budget", "scope": "session", "tokens": 1_000}
    await fleet.do(q.agent_interrupt, "a", "ann", raised)
    await fleet.until_status("completed")
    assert fleet.end()["state"]["y"] == "WHAT IS AN OTTER"
    ticks = [row for row in fleet.log() if row["kind"] == "tick"]
    assert sum(row["tokens_in"] + row["tokens_out"] for row in ticks) == 100
    assert sum(node.get("tokens", 0) for node in fleet.nodes()) == 100


async def test_while_the_model_is_away_a_task_waits_as_a_tick_does(fleet):
    """It is no failure of the task, and costs the plan no attempt; what runs beside it ends."""
    Answers.away = 4
    ask = retry(Task("ask", {"prompt": "{x}", "to": "y"}), attempts=2)
    await fleet.plan(parallel(ask, Task("wait")), state={"x": "otter"})
    await until_async(lambda: fleet.state()["waits"], "it waits")
    GATE["g"].set()
    await fleet.until_status("completed")
    rows = [row["text"] for row in fleet.log() if row["kind"] == "error"]
    assert rows[0] == "waits for the model (try 1)"
    assert fleet.end()["state"] == {"x": "otter", "y": "OTTER", "waited": True}
    assert sorted(fleet.outcomes()) == [("/0/0~1", "done"), ("/1", "done")]


async def test_a_named_plan_keeps_its_shape_and_a_missing_action_holds_it(fleet):
    """A run goes on with the plan that it began with; only actions are code."""
    await fleet.plan(name="named", state={})
    await until_async(lambda: RAN == ["/0"], "it runs")
    changed = actions()
    changed.plans["named"] = Task("put")
    del changed.actions["add"]
    fleet.plans.take(changed)
    GATE["g"].set()
    await until_async(lambda: fleet.state()["waits"], "it is held")
    assert "there is no action 'add'" in fleet.log()[-1]["text"]
    assert json.loads(fleet.state()["waits"])["kind"] == "stuck"
    again = actions()
    again.plans["named"] = Task("put")
    fleet.plans.take(again)
    await fleet.do(q.agent_resume_action, "a", "ann")
    await fleet.until_status("completed")
    assert fleet.end()["state"] == {"waited": True, "last": "/1"}


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({}, "expected plan or name, one of them"),
        ({"name": "nmed"}, "there is no plan 'nmed'; did you mean 'named'"),
        ({"plan": {"kind": "task", "name": "putt"}}, "did you mean 'put'"),
        ({"plan": {"kind": "sequence", "items": [{"kind": "tusk"}]}}, "items.0: there is no kind"),
        ({"plan": {"kind": "sequence", "itms": []}}, "itms"),
    ],
)
async def test_a_plan_that_cannot_be_run_is_refused(fleet, config, error):
    got = await fleet.plan(**config)
    assert got["outcome"] == "rejected"
    assert error in got["error"]
