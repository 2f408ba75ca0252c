"""Minds of sessions: remembered and believed with the row that says so, or not at all."""

import asyncio

import pytest

import queue_imp as q
from agent_core.agent.services import Services
from reins.llm import Model
from reins.mind import mind_in, session_actions
from reins.plan_modules import PlanModules
from reins.plans import Task, choose, library, parallel, sequence
from tests.integration.agent_core.conftest import Fleet
from tests.integration.agent_core.test_plans import Answers, Plans, actions
from tests.support import data_folder
from tests.support.minds import folded
from tests.support.waiting import until_async

GATE: dict[str, asyncio.Event] = {}
TURN = []


def with_mind():
    made = actions()
    made.take(session_actions())

    @made.action
    async def gated(state, ctx):
        """Asks for a piece of evidence, another in each run; then waits."""
        TURN.append(ctx.path)
        mind_in(ctx).do("believe", claim="leak", text=f"run {len(TURN)}", source="gated")
        await GATE.setdefault(ctx.args["gate"], asyncio.Event()).wait()
        return state

    @made.action
    async def breaks(_state, ctx):
        mind_in(ctx).do("remember", key="lost", value=1)
        raise ConnectionError("it breaks")

    @made.action
    async def sure(state, ctx):
        return {**state, "sure": round(mind_in(ctx).probability("leak"), 2)}

    return made


class Minds(Plans):
    def __init__(self, folder):
        self.plans = PlanModules()
        self.plans.take(with_mind())
        Fleet.__init__(
            self, folder, modules=("agents_impl.plan.agent", "agents_impl.joke"),
            services=Services(self.plans, per_session={Model: Answers}),
        )  # fmt: skip

    def make_parts(self, store):
        self.services = Services(
            self.plans, store.reader, per_session={Model: Answers}
        )  # fmt: skip

    def folded(self):
        return folded("a", self.store.reader)

    async def say(self, **guidance):
        """The receipt of guidance, and its row of the log."""
        receipt = await self.do(q.agent_interrupt, "a", "ann", guidance)
        row = next((row for row in self.log() if row["seq"] == receipt["applied_seq"]), None)
        return receipt, row

    async def until_live(self, path):
        await until_async(lambda: path in TURN, f"{path} runs")


@pytest.fixture
async def fleet(data):
    GATE.clear()
    TURN.clear()
    made = Minds(data)
    await made.start()
    yield made
    for gate in GATE.values():
        gate.set()
    await made.stop(grace_s=0.2)
    await asyncio.to_thread(data_folder.verified, data)


async def test_a_plan_remembers_and_believes_with_its_rows(fleet):
    """Each act is one row, committed with the row of the log that it names, and with its task."""
    plan = sequence(
        Task("remember", {"key": "site", "value": {"floor": 2}}),
        Task("believe", {"claim": "leak", "source": "sensor", "strength": 2, "text": "wet"}),
        Task("remember", {"key": "site", "from": "x", "expires_in_s": 60}),
        Task("recall", {"key": "site", "to": "found"}),
        Task("recall", {"key": "nothing", "to": "none", "default": 0}),
        Task("forget", {"key": "site"}),
        Task("restore", {"key": "site", "version": 1}),
        Task("recall", {"prefix": "si", "to": "all"}),
        Task("recall", {"about": "the FLOORS of it", "to": "about"}),
        Task("doubt", {"claim": "leak", "document": "report.pdf"}),
        Task("sure"),
    )
    assert (await fleet.plan(plan, state={"x": 1}))["outcome"] == "applied"
    await fleet.until_status("completed")
    assert fleet.end()["state"] == {
        "x": 1, "found": 1, "none": 0, "all": {"site": {"floor": 2}},
        "about": {"site": {"floor": 2}}, "sure": 0.73,
    }  # fmt: skip
    evidence, memories = fleet.folded()
    assert [(row["kind"], row["version"], row["restores"]) for row in memories] == [
        ("put", 1, None), ("put", 2, None), ("forget", 3, None), ("restore", 4, 1),
    ]  # fmt: skip
    wet, denied = evidence
    assert (wet["source"], wet["text"], wet["agent_id"]) == ("sensor", "wet", "a")
    assert denied["document"] == "report.pdf"
    assert wet["call_id"].endswith(":/1")
    row = next(row for row in fleet.log() if row["seq"] == wet["seq"])
    assert "believe leak: 0.88" in row["payload"]


async def test_branches_believe_side_by_side(fleet):
    """No branch loses what another has written; each end is in its own row or shares one."""
    told = [Task("believe", {"claim": "leak", "source": f"s{n}"}) for n in range(6)]
    kept = [Task("remember", {"key": f"k{n % 2}", "value": n}) for n in range(6)]
    await fleet.plan(parallel(*told, *kept))
    await fleet.until_status("completed")
    evidence, memories = fleet.folded()
    assert len(evidence) == 6
    assert sorted((row["key"], row["version"]) for row in memories) == [
        (key, version) for key in ("k0", "k1") for version in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("name", "args", "why"),
    [
        ("remember", {"key": "k", "value": 1, "expect": 3}, "is at version 0, expected 3"),
        ("forget", {"key": "k"}, "k"),
        ("believe", {"claim": ""}, "claim"),
        ("recall", {"key": "k", "to": "x"}, "a default is put there"),
        (
            "remember",
            {"key": "k", "value": 1, "scope": "shared"},
            "of the scope shared here",
        ),
        ("remember", {"key": "k", "value": "x" * 70_000}, "of at most 65,536"),
        ("breaks", {}, "it breaks"),
    ],
)
async def test_a_task_that_fails_leaves_nothing(fleet, name, args, why):
    """It says why, and neither the rows nor the snapshot have anything of it."""
    await fleet.plan(Task(name, args))
    await fleet.until_status("failed")
    assert why in fleet.nodes()[0]["error"]
    assert fleet.folded() == ([], [])


async def test_a_retried_task_leaves_one_row_and_a_chosen_one_each_its_own(fleet):
    """What was given up has said nothing; a choice that is made again says it again."""
    plan = sequence(
        choose(
            sequence(Task("gated", {"gate": "a"}), Task("gated", {"gate": "b"})),
            Task("gated", {"gate": "c"}),
            selector="pick",
        )
    )
    await fleet.plan(plan)
    await fleet.until_live("/0/0/0")
    assert (await fleet.say(type="retry", path="/0/0/0"))[0]["outcome"] == "applied"
    await until_async(lambda: TURN.count("/0/0/0") == 2, "it runs again")
    assert fleet.folded() == ([], [])
    GATE["a"].set()
    await fleet.until_live("/0/0/1")
    assert [row["text"] for row in fleet.folded()[0]] == ["run 2"]
    assert (await fleet.say(type="choose", path="/0", item=1))[0]["outcome"] == "applied"
    assert (await fleet.say(type="choose", path="/0", item=0))[0]["outcome"] == "applied"
    GATE.setdefault("b", asyncio.Event()).set()
    await fleet.until_status("completed")
    paths = [row["call_id"].rpartition(":")[2] for row in fleet.folded()[0]]
    assert paths == ["/0/0/0", "/0/0#3/0", "/0/0#3/1"]


async def test_a_person_believes_doubts_and_takes_it_back(fleet):
    """The receipt says what has changed, the row whose word it is; an undo is a row of its own."""
    plan = sequence(Task("believe", {"claim": "price is right"}), Task("gated", {"gate": "g"}))
    await fleet.plan(plan)
    await fleet.until_live("/1")
    receipt, row = await fleet.say(type="believe", claim="price is right", text="I have asked")
    assert row["text"] == "price is right: 0.73 → 0.88"
    said = fleet.folded()[0][-1]
    assert (said["actor"], said["source"], said["text"]) == ("ann", "ann", "I have asked")
    assert (said["message_id"], said["seq"]) == (receipt["action_id"], row["seq"])
    back = await fleet.do(q.guidance_undo, receipt["action_id"], "bob")
    row = next(row for row in fleet.log() if row["seq"] == back["applied_seq"])
    assert row["text"] == "undo: taken back: price is right: 0.88 → 0.73"
    assert fleet.folded()[0][-1]["actor"] == "bob"
    again = await fleet.do(q.guidance_undo, back["action_id"], "bob")
    row = next(row for row in fleet.log() if row["seq"] == again["applied_seq"])
    assert row["text"] == "undo: taken back: price is right: 0.73 → 0.88"
    receipt, row = await fleet.say(type="undo_evidence", ids=[said["evidence_id"]])
    assert row["text"] == "taken back: price is right: 0.88 → 0.73"
    receipt, row = await fleet.say(type="undo_evidence", ids=[said["evidence_id"]])
    assert "is taken back already" in receipt["error"]
    receipt, row = await fleet.say(type="undo_evidence", ids=["nothing"])
    assert "nothing" in receipt["error"]
    receipt, row = await fleet.say(type="doubt", claim="price is right", strength=3)
    assert row["text"] == "price is right: 0.73 → 0.12"
    assert (await fleet.say(type="doubt", claim="x", strength=9))[0]["outcome"] == "rejected"
    kinds = [row["kind"] for row in fleet.folded()[0]]
    assert kinds == ["evidence", "evidence", "undo", "undo", "undo", "evidence"]


async def test_a_mind_goes_on_after_a_restart_and_a_new_life_begins_without_it(data):
    """After a stop the same is believed; one that is created again knows nothing of before."""
    GATE.clear()
    TURN.clear()
    fleet = Minds(data)
    await fleet.start()
    plan = sequence(Task("believe", {"claim": "leak"}), Task("gated", {"gate": "g"}), Task("sure"))
    await fleet.plan(plan)
    await fleet.until_live("/1")
    await fleet.stop(grace_s=0.1)
    fleet = Minds(data)
    await fleet.start("start-2")
    try:
        await fleet.say(type="believe", claim="leak")
        GATE["g"].set()
        await fleet.until_status("completed")
        assert len(fleet.folded()[0]) == 3
        await fleet.plan(Task("sure"))
        await fleet.until_status("completed")
        assert fleet.end()["state"] == {"sure": 0.5}
        assert fleet.folded() == ([], [])
    finally:
        await fleet.stop()
    await asyncio.to_thread(data_folder.verified, data)


async def test_other_agents_hold_no_beliefs(fleet):
    """The refusal names the types that do."""
    await fleet.do(q.agent_create, "a", "ann", "cats")
    receipt, _ = await fleet.say(type="believe", claim="cats purr")
    assert "agents of type joke hold no beliefs" in receipt["error"]


def test_own_actions_of_these_names_come_first():
    """A module that has its own `remember` keeps it; the others are there beside it."""
    made = library.read(["tests.support.own_remember"], beneath=session_actions())
    assert made.actions["remember"].function({}) == "its own"
    assert "believe" in made.actions
