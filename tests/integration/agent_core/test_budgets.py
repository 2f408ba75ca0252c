"""Sessions at the limits of their budgets: held, told why, let go, also after a restart."""

import asyncio
import json
import shutil
from dataclasses import replace

import pytest

import queue_imp as q
from agent_core.agent.guidance import GuidanceRejectedError
from agent_core.agent.services import Services
from agent_core.budgets.ledger import Ledger
from agent_core.session.status import Status
from store.model_calls import list_calls
from tests.integration.agent_core.conftest import QUICK, Fleet
from tests.support import data_folder
from tests.support.paying_agents import Till
from tests.support.waiting import until_async

DAY_S = 86_400
OFTEN = replace(QUICK, tick_timeout_s=2)
"""The overseer looks each half second."""


class Clock:
    """Noon of a day, until a test moves it."""

    def __init__(self):
        self.now = 20_000.5 * DAY_S

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def payers(data, clock):
    made = []

    async def start(**limits):
        fleet = Fleet(
            data, OFTEN, modules=("tests.support.paying_agents",),
            services=Services(per_session={Till: Till}), ledger=Ledger(clock=clock, **limits),
        )  # fmt: skip
        await fleet.start(f"start-{len(made) + 1}")
        made.append(fleet)
        return fleet

    yield start
    if made:
        await made[-1].stop(grace_s=0.2)
        await asyncio.to_thread(data_folder.verified, data)


@pytest.fixture
async def fleet(payers):
    return await payers()


async def create(fleet, agent_id="a", session_id=None, **config):
    config.setdefault("heartbeat_s", 0)
    got = await fleet.do(
        q.agent_create, agent_id, "tester", agent_type="paying", session_id=session_id,
        config=config,
    )  # fmt: skip
    assert got["outcome"] == "applied", got
    return fleet.sessions.live.get(session_id or agent_id)


async def until_held(session):
    await until_async(lambda: session.held is not None and not session.log._writing.locked())


async def set_budget(fleet, scope, agent_id="a", **limits):
    guidance = {"type": "set_budget", "scope": scope, **limits}
    return await fleet.do(q.agent_interrupt, agent_id, "ann", guidance)


def snapshot(fleet, session_id="a"):
    return json.loads(fleet.state(session_id)["snapshot"])


# -- held


@pytest.mark.parametrize(
    ("scope", "limits", "ticks", "text"),
    [
        ("agent", {"ticks": 3}, 3, "ticks 3 of 3 spent"),
        ("day", {"tokens": 20}, 2, "tokens 20 of 20 spent"),
        ("session", {"cost_usd": 0.3}, 3, "cost $0.3000 of $0.30 spent"),
        ("session", {"ticks": 0}, 0, "ticks 0 of 0 spent"),
    ],
)
async def test_a_session_is_held_at_its_limit(fleet, scope, limits, ticks, text):
    """Exactly what the limit allows is done; the log and the snapshot say what is spent."""
    session = await create(fleet, budget={scope: limits}, cost_usd=0.1)
    await until_held(session)
    kinds = fleet.kinds()
    assert kinds == ["status", *["tick"] * ticks, "status"]
    row, kept = fleet.log()[-1], snapshot(fleet)
    assert row["text"] == f"paused: budget: {scope} {text}"
    assert json.loads(row["payload"])["held"]["what"] == next(iter(limits))
    assert (kept["status"], kept["held"]["text"]) == ("paused", f"{scope} {text}")
    assert session.status is Status.PAUSED
    assert session.failures == 0


async def test_time_is_what_ticks_take(fleet):
    """`wall_s` counts seconds in ticks; the one that passes the limit is the last."""
    session = await create(fleet, tick="work", work_s=0.2, budget={"session": {"wall_s": 0.5}})
    await until_held(session)
    took_s = [row["latency_ms"] / 1_000 for row in fleet.log() if row["kind"] == "tick"]
    assert min(took_s) >= 0.2
    assert sum(took_s[:-1]) < 0.5, "the one that passes the limit is the last"
    assert fleet.log()[-1]["text"].startswith("paused: budget: session time ")
    assert session.usage["wall_s"] >= 0.5


@pytest.mark.parametrize("tick", ["pay", "together"])
async def test_a_call_that_may_not_fit_ends_the_tick(fleet, tick):
    """Its tick leaves nothing but what its other calls took, on the row that says why."""
    budget = {"session": {"tokens": 50}}
    session = await create(fleet, tick=tick, calls=3, budget=budget)
    await until_held(session)
    assert fleet.kinds() == ["status", "tick", "status"]
    row = fleet.log()[-1]
    assert "tokens 5" in row["text"] or "tokens 3" in row["text"]
    assert "the next call may need 10" in row["text"]
    assert session.agent.state.paid == 3, "the state is that of the last tick"
    assert session.failures == 0
    assert session.error is None
    took = sum(r["tokens_in"] + r["tokens_out"] for r in fleet.log())
    assert took == session.usage["tokens_in"] + session.usage["tokens_out"] <= 50
    assert session.caller.reserved.calls == session.caller.reserved.tokens == 0


async def test_what_does_not_fit_at_once_is_not_tried_for_ever(fleet):
    """Calls that cannot all be in flight hold the session, although each alone would fit."""
    budget = {"session": {"tokens": 25}}
    session = await create(fleet, tick="together", calls=3, budget=budget)
    await until_held(session)
    rows = len(fleet.log())
    fleet.sessions.release_held()
    assert not session.mailbox
    assert len(fleet.log()) == rows


# -- let go


@pytest.mark.parametrize("scope", ["session", "agent", "day"])
async def test_a_raised_budget_lets_it_go_on(fleet, scope):
    """The log has the guidance, then that it runs, then ticks."""
    session = await create(fleet, budget={scope: {"ticks": 2}})
    await until_held(session)
    got = await set_budget(fleet, scope, ticks=4)
    assert got["outcome"] == "applied"
    await until_async(lambda: fleet.kinds().count("tick") == 4)
    await until_held(session)
    texts = [row["text"] for row in fleet.log()[4:6]]
    assert texts == [f"budget: {scope} ticks 2 -> 4; it goes on", "running: budget raised"]
    assert fleet.log()[3]["kind"] == "status"
    assert fleet.kinds()[4:] == ["guidance", "status", "tick", "tick", "status"]


async def test_a_limit_can_be_set_and_taken_away_while_it_runs(fleet):
    """Null is no limit; what was not named stays."""
    session = await create(fleet, cost_usd=0.1)
    await set_budget(fleet, "session", ticks=0, cost_usd=100)
    await until_held(session)
    await set_budget(fleet, "session", ticks=None)
    seen = fleet.kinds().count("tick")
    await until_async(lambda: fleet.kinds().count("tick") > seen)
    said = [row["text"] for row in fleet.log() if row["kind"] == "guidance"]
    assert said == [
        "budget: session ticks none -> 0, cost_usd none -> 100",
        "budget: session ticks 0 -> none; it goes on",
    ]
    assert session.limits == {"session": {"cost_usd": 100}}


async def test_a_budget_that_makes_no_room_changes_what_it_is_held_by(fleet):
    """It stays held, and says so with the limit as it is now."""
    session = await create(fleet, budget={"session": {"ticks": 3}})
    await until_held(session)
    got = await set_budget(fleet, "session", ticks=2)
    assert fleet.kinds()[-2:] == ["guidance", "status"]
    assert got["applied_seq"] == fleet.log()[-2]["seq"]
    assert fleet.log()[-1]["text"] == "paused: budget: session ticks 3 of 2 spent"
    assert snapshot(fleet)["held"]["text"] == "session ticks 3 of 2 spent"
    assert session.status is Status.PAUSED
    await set_budget(fleet, "session", tokens=1_000)
    assert fleet.kinds()[-1] == "guidance", "it is held as it was"


async def test_a_limit_of_the_agent_set_elsewhere_is_what_it_is_held_by(fleet):
    """Its newest status row says what holds it now."""
    held = await create(fleet, budget={"session": {"ticks": 2}})
    await until_held(held)
    await create(fleet, session_id="s", heartbeat_s=60, budget={"session": {}})
    guidance = {"type": "set_budget", "scope": "agent", "ticks": 1}
    await fleet.do(q.agent_interrupt, "a", "ann", guidance, session_id="s")
    guidance = {"type": "set_budget", "scope": "session", "ticks": None}
    await fleet.do(q.agent_interrupt, "a", "ann", guidance)
    await until_async(
        lambda: fleet.log()[-1]["text"].startswith("paused: budget: agent ticks 3 of")
    )
    guidance = {"type": "set_budget", "scope": "agent", "ticks": 2}
    await fleet.do(q.agent_interrupt, "a", "ann", guidance, session_id="s")
    await until_async(lambda: fleet.log()[-1]["text"].endswith("agent ticks 3 of 2 spent"))
    assert held.status is Status.PAUSED


@pytest.mark.parametrize("scope", ["session", "agent", "day"])
async def test_no_ticks_are_none(fleet, scope):
    """Not even one that fails; failed ones count, as they cost."""
    session = await create(fleet, tick="fail", budget={scope: {"ticks": 0}})
    await until_held(session)
    assert fleet.kinds() == ["status", "status"]
    assert session.held["text"] == f"{scope} ticks 0 of 0 spent"
    other = await create(fleet, "b", tick="fail", budget={scope: {"ticks": 2}})
    await until_held(other)
    assert fleet.kinds("b") == ["status", "error", "error", "status"]


async def test_calls_that_are_free_need_no_dollars(fleet):
    """A limit of none lets them through; the first that costs something is held."""
    free = await create(fleet, budget={"session": {"cost_usd": 0}})
    await until_async(lambda: fleet.kinds().count("tick") > 2)
    assert free.held is None
    paid = await create(fleet, "b", cost_usd=0.1, budget={"session": {"cost_usd": 0}})
    await until_held(paid)
    assert fleet.kinds("b") == ["status", "status"]
    assert "the next call may need $0.1000" in paid.held["text"]
    await set_budget(fleet, "session", cost_usd=None, agent_id="b")
    await until_async(lambda: fleet.kinds("b").count("tick") > 1)
    await set_budget(fleet, "session", cost_usd=0, agent_id="b")
    await until_held(paid)


async def test_a_budget_may_come_as_json_in_a_text(fleet):
    """Is a budget, whichever way it came in; another text stays one."""
    session = await create(fleet, heartbeat_s=60)
    text = ' {"type": "set_budget", "scope": "session", "ticks": 9}'
    got = await fleet.do(q.agent_interrupt, "a", "ann", text)
    assert got["outcome"] == "applied"
    assert session.limits == {"session": {"ticks": 9}}
    got = await fleet.do(q.agent_interrupt, "a", "ann", text.replace("9", "-9"))
    assert "ticks" in got["error"]
    for other in ('{"type": "else"}', "{free", "{" * 100_000, '["set_budget"]'):
        assert session.agent.parse_guidance(other) == other


# -- one after the other


async def test_who_waits_for_room_has_its_turn(fleet):
    """Sessions whose calls do not fit at once take turns, without waiting for a look at all."""
    fleet.quicken(tick_timeout_s=60)
    config = {"tick": "long", "work_s": 0.02, "estimate": 600}
    await create(fleet, budget={"agent": {"tokens": 1_000}}, **config)
    for session_id in ("s", "t"):
        await create(fleet, session_id=session_id, **config)
    ticks = lambda: [fleet.kinds(each).count("tick") for each in ("a", "s", "t")]  # noqa: E731
    await until_async(lambda: sum(ticks()) >= 27)
    assert min(ticks()) >= 5
    assert fleet.sessions.ledger.agents["a"].tokens <= 400 + 600


async def test_who_waits_for_what_there_never_is_keeps_nobody_out(fleet):
    """A call for which there is no room even alone is not waited for."""
    fleet.quicken(tick_timeout_s=60)
    config = {"tick": "long", "work_s": 0.02, "estimate": 30}
    await create(fleet, budget={"agent": {"tokens": 400}}, **config)
    large = await create(fleet, session_id="s", **config | {"estimate": 390})
    await until_held(large)
    seen = fleet.kinds().count("tick")
    await until_async(lambda: fleet.kinds().count("tick") > seen + 8)


async def test_who_waits_for_room_and_is_destroyed_keeps_nobody_out(fleet):
    """Nor one that a person has paused, or a tick that needs no call."""
    fleet.quicken(tick_timeout_s=60)
    budget = {"agent": {"tokens": 100_000}}
    config = {"tick": "long", "work_s": 0.1, "estimate": 60_000}
    first = await create(fleet, budget=budget, **config)
    await until_async(lambda: first.caller.reserved.calls)
    other = await create(fleet, session_id="s", **config)
    await until_held(other)
    await fleet.do(q.agent_pause_action, "a", "ann", session_id="s")
    seen = fleet.kinds().count("tick")
    await until_async(lambda: fleet.kinds().count("tick") > seen + 1)
    await fleet.do(q.agent_resume_action, "a", "ann", session_id="s")
    await fleet.do(q.agent_destroy_action, "a", "ann", session_id="s")
    seen = fleet.kinds().count("tick")
    await until_async(lambda: fleet.kinds().count("tick") > seen + 1)
    assert not fleet.sessions.ledger.waitlist


# -- time in line


async def test_time_in_line_is_none_of_a_ticks(fleet):
    """A tick that waits for its place longer than ticks may take ends well; its work is limited."""
    fleet.quicken(tick_timeout_s=0.4)
    session = await create(fleet, tick="long", in_line_s=0.9)
    await until_async(lambda: "tick" in fleet.kinds() or "error" in fleet.kinds())
    assert fleet.kinds() == ["status", "tick"]
    slow = await create(fleet, "b", tick="long", in_line_s=0.2, work_s=60)
    row = await fleet.until_row("error", "b")
    assert "longer than 0.4 s" in row["error"]
    assert slow.iteration == 0
    assert session.failures == 0


async def test_time_in_line_is_none_of_guidances(fleet):
    """Nor is it of the taking in of guidance; a stop ends it all the same."""
    fleet.quicken(tick_timeout_s=0.3)
    await create(fleet, heartbeat_s=60, in_line_s=0.7)
    got = await fleet.do(q.agent_interrupt, "a", "ann", "in line")
    assert got["outcome"] == "applied", got["error"]
    session = await create(fleet, "b", heartbeat_s=60, in_line_s=60)
    asked = await fleet.ask(q.agent_interrupt, "b", "ann", "in line")
    await until_async(lambda: session.scope.guide_limit is not None)
    await fleet.do(q.agent_destroy_action, "b", "ann")
    assert "given up" in (await fleet.receipt(asked))["error"]


async def test_a_bad_budget_is_rejected(fleet):
    """The receipt says what is wrong; nothing is set, nothing is created."""
    session = await create(fleet, heartbeat_s=60)
    for limits, says in [
        ({"scope": "session"}, "no limit is named"),
        ({"scope": "week", "ticks": 1}, "scope"),
        ({"ticks": 1}, "scope"),
        ({"scope": "day", "ticks": -1}, "ticks"),
        ({"scope": "day", "ticks": 1.5}, "ticks"),
        ({"scope": "day", "tokens": True}, "tokens"),
        ({"scope": "day", "cost_usd": "2"}, "cost_usd"),
        ({"scope": "agent", "dollars": 2}, "dollars"),
    ]:
        with pytest.raises(GuidanceRejectedError, match=says):
            session.agent.parse_guidance({"type": "set_budget", **limits})
    got = await set_budget(fleet, "week", ticks=1)
    assert got["outcome"] == "rejected"
    assert "scope" in got["error"]
    assert session.limits is None
    for budget, says in [({"week": {}}, "budget.week"), ({"day": {"ticks": -1}}, "day.ticks")]:
        config = {"budget": budget}
        got = await fleet.do(q.agent_create, "b", "ann", agent_type="paying", config=config)
        assert says in got["error"]


async def test_an_unknown_route_creates_nothing(fleet):
    """Where routes are known, a misspelt one is told at once."""
    fleet.sessions.knows_route = lambda name: name == "fast"
    made = {"agent_type": "paying", "config": {"route": "fats", "heartbeat_s": 60}}
    got = await fleet.do(q.agent_create, "a", "ann", **made)
    assert "no model route 'fats'" in got["error"]
    session = await create(fleet, route="fast", heartbeat_s=60)
    assert session.caller.route == "fast"


# -- agents and the worker


async def test_an_agents_budget_is_that_of_all_its_sessions(fleet):
    """Both are held by what they took together, both go on when it is raised through one."""
    one = await create(fleet, budget={"agent": {"ticks": 6}})
    other = await create(fleet, session_id="s")
    await until_held(one)
    await until_held(other)
    ticks = fleet.kinds().count("tick") + fleet.kinds("s").count("tick")
    assert 6 <= ticks <= 7, "a tick of each may have been under way"
    await set_budget(fleet, "agent", ticks=20)
    await until_async(lambda: fleet.kinds().count("tick") + fleet.kinds("s").count("tick") >= 20)
    for session_id in ("a", "s"):
        assert "running: budget raised" in [row["text"] for row in fleet.log(session_id)]


async def test_a_session_that_inherits_its_configuration_undoes_no_budget(fleet):
    """What was set since counts; what another configuration says of the agent is new."""
    await create(fleet, heartbeat_s=60, budget={"agent": {"tokens": 100}})
    await set_budget(fleet, "agent", tokens=1_000)
    inherits = await create(fleet, session_id="s", heartbeat_s=60)
    assert inherits.limits["agent"]["limits"] == {"tokens": 1_000}
    says = await create(fleet, session_id="t", budget={"agent": {"tokens": 7_000}}, heartbeat_s=60)
    assert says.limits["agent"]["limits"] == {"tokens": 7_000}


async def test_a_limit_that_a_creation_says_is_in_force(fleet):
    """Whatever was said or set before; in a configuration handed on it would undo nothing."""
    budget = {"agent": {"ticks": 2}}
    await until_held(await create(fleet, budget=budget))
    await set_budget(fleet, "agent", ticks=None)
    inherits = await create(fleet, session_id="s", heartbeat_s=60)
    assert inherits.limits["agent"]["limits"] == {}
    await fleet.do(q.agent_destroy_action, "a", "ann")
    again = await create(fleet, budget=budget)
    await until_held(again)
    assert again.held["what"] == "ticks"
    assert again.iteration == 0, "its agent's sessions have ticked more than twice"


async def test_former_lives_and_ended_sessions_count_for_the_agent(payers):
    """Destroying and creating anew is no way around a budget of an agent, nor is a restart."""
    fleet = await payers()
    await create(fleet, session_id="s", budget={"agent": {"ticks": 5}, "session": {"ticks": 2}})
    await until_held(fleet.sessions.live["s"])
    await fleet.do(q.agent_destroy_action, "a", "ann", session_id="s")
    again = await create(fleet, session_id="s", budget={"session": {"ticks": 2}})
    assert again.usage["ticks"] <= 2
    await until_held(again)
    assert again.held["scope"] == "session"
    await fleet.do(q.agent_destroy_action, "a", "ann", session_id="s")
    await fleet.stop()
    fleet = await payers()
    assert fleet.sessions.ledger.agents["a"].ticks == 4
    last = await create(fleet)
    await until_held(last)
    assert last.held["text"] == "agent ticks 5 of 5 spent"


async def test_the_workers_day_holds_all_and_is_raised_by_a_reload(payers):
    """Whoever comes to it first; a new limit lets all go on."""
    fleet = await payers(day_tokens=40)
    sessions = [await create(fleet, name) for name in ("a", "b")]
    for session in sessions:
        await until_held(session)
        assert "the worker's day tokens" in session.held["text"]
    got = await fleet.do(q.agent_interrupt, "a", "ann", "pay")
    assert "REINS_BUDGET_DAY_TOKENS" in got["error"]
    assert "set_budget" not in got["error"]
    assert fleet.sessions.ledger.worker.tokens == 40
    fleet.sessions.limit_day(1_000_000, None)
    for name in ("a", "b"):
        seen = fleet.kinds(name).count("tick")
        await until_async(lambda name=name, seen=seen: fleet.kinds(name).count("tick") > seen)


# -- days


@pytest.mark.parametrize("limits", [{}, {"day_tokens": 20}], ids=["session", "worker"])
async def test_a_new_day_lets_it_go_on(payers, clock, limits):
    """What was taken yesterday does not count; it is found out without anybody's doing."""
    fleet = await payers(**limits)
    session = await create(fleet, budget=None if limits else {"day": {"tokens": 20}})
    await until_held(session)
    clock.now += DAY_S
    await until_async(lambda: fleet.kinds().count("tick") == 4)
    await until_held(session)
    assert "running: a new day's budget" in [row["text"] for row in fleet.log()]
    assert session.usage["day"] | {"wall_s": 0} == {
        "date": "2024-10-05", "ticks": 2, "tokens": 20, "cost_usd": 0.0, "wall_s": 0,
    }  # fmt: skip
    assert session.usage["ticks"] == 4


async def test_a_clock_that_is_set_back_begins_no_day_again(payers, clock):
    """A day's budget is given out once."""
    fleet = await payers()
    session = await create(fleet, budget={"day": {"ticks": 2}})
    await until_held(session)
    clock.now -= DAY_S
    fleet.sessions.release_held()
    assert not session.mailbox
    assert session.held is not None


async def test_a_new_day_does_not_resume_what_a_person_paused(payers, clock):
    """A pause while it is held takes the place of the budget's."""
    fleet = await payers()
    session = await create(fleet, budget={"day": {"ticks": 2}})
    await until_held(session)
    await fleet.do(q.agent_pause_action, "a", "ann", reason="lunch")
    assert "held" not in snapshot(fleet)
    clock.now += DAY_S
    await set_budget(fleet, "day", ticks=9)
    fleet.sessions.release_held()
    assert fleet.kinds()[-1] == "guidance"
    assert session.status is Status.PAUSED
    await fleet.do(q.agent_resume_action, "a", "ann")
    await until_async(lambda: fleet.kinds().count("tick") > 2)


# -- people


async def test_a_persons_resume_changes_no_budget(fleet):
    """It runs, and is held at once by what is spent; both are in the log."""
    session = await create(fleet, budget={"session": {"ticks": 1}})
    await until_held(session)
    await fleet.do(q.agent_resume_action, "a", "ann")
    await until_held(session)
    texts = [row["text"] for row in fleet.log()][-2:]
    assert texts == ["running", "paused: budget: session ticks 1 of 1 spent"]
    assert fleet.kinds().count("tick") == 1


async def test_a_held_session_takes_guidance_that_needs_no_model(fleet):
    """What needs no model is taken in; what needs one is rejected with why."""
    session = await create(fleet, budget={"session": {"tokens": 10}})
    await until_held(session)
    got = await fleet.do(q.agent_interrupt, "a", "ann", "free")
    assert got["outcome"] == "applied"
    got = await fleet.do(q.agent_interrupt, "a", "ann", "pay")
    assert got["outcome"] == "rejected"
    assert "session tokens 10 of 10 spent" in got["error"]
    assert "set_budget" in got["error"]
    assert session.status is Status.PAUSED
    assert fleet.kinds()[-1] == "guidance"


async def test_a_held_session_can_be_destroyed(fleet):
    """Its end says nothing of the budget."""
    session = await create(fleet, budget={"session": {"ticks": 1}})
    await until_held(session)
    await fleet.do(q.agent_destroy_action, "a", "ann")
    assert fleet.kinds()[-1] == "final"
    assert "held" not in snapshot(fleet)
    assert snapshot(fleet)["status"] == "stopped"


# -- restarts


async def test_a_held_session_is_held_after_a_restart(payers):
    """And let go by what lets it go before one; no tick comes between."""
    fleet = await payers()
    session = await create(fleet, budget={"session": {"cost_usd": 0.2}}, cost_usd=0.1)
    await until_held(session)
    before = fleet.log()
    await fleet.stop()
    fleet = await payers()
    session = fleet.sessions.live["a"]
    assert session.held["text"] == "session cost $0.2000 of $0.20 spent"
    assert len(fleet.log()) == len(before)
    await set_budget(fleet, "session", cost_usd=0.3)
    await until_async(lambda: fleet.kinds().count("tick") == 3)
    await until_held(session)
    assert [row["seq"] for row in fleet.log()] == list(range(1, len(before) + 5))


async def test_a_day_that_ended_while_nothing_ran_holds_nobody(payers, clock):
    """At the start it is let go; what was taken yesterday is not the worker's today."""
    fleet = await payers()
    session = await create(fleet, budget={"day": {"ticks": 2}})
    await until_held(session)
    await fleet.stop()
    clock.now += DAY_S
    fleet = await payers()
    await until_async(lambda: fleet.kinds().count("tick") == 4)
    assert fleet.sessions.ledger.worker.ticks <= 2


async def test_the_newest_limit_of_an_agent_wins_after_a_restart(payers):
    """Also where the session through which it was set has ended."""
    fleet = await payers()
    await create(fleet, heartbeat_s=60, budget={"agent": {"tokens": 100}})
    await create(fleet, session_id="s", heartbeat_s=60)
    await fleet.do(
        q.agent_interrupt, "a", "ann",
        {"type": "set_budget", "scope": "agent", "tokens": 1_000}, session_id="s",
    )  # fmt: skip
    await fleet.do(q.agent_destroy_action, "a", "ann", session_id="s")
    await fleet.stop()
    fleet = await payers()
    assert fleet.sessions.ledger.agent_limits("a") == {"tokens": 1_000}


async def test_totals_are_the_same_after_a_restart(payers):
    """Of the session, its agent, its day and the worker's."""
    fleet = await payers()
    session = await create(fleet, cost_usd=0.25, budget={"session": {"ticks": 4}})
    await until_held(session)
    then = (
        session.usage, fleet.sessions.ledger.agents["a"].sums(), fleet.sessions.ledger.worker.sums()
    )  # fmt: skip
    assert then[1] == then[2]
    await fleet.stop()
    fleet = await payers()
    ledger = fleet.sessions.ledger
    now = (fleet.sessions.live["a"].usage, ledger.agents["a"].sums(), ledger.worker.sums())
    assert now == then
    assert now[1]["cost_usd"] == 1.0


async def test_a_stop_of_the_worker_loses_nothing_that_was_taken(payers):
    """What an unfinished tick took is in the totals and on record at the next start."""
    fleet = await payers()
    session = await create(fleet, tick="hang", heartbeat_s=86_400)
    await session.agent.hanging.wait()
    await fleet.stop(grace_s=0.05)
    fleet = await payers()
    usage = fleet.sessions.live["a"].usage
    assert (usage["tokens_in"], usage["tokens_out"]) == (10, 5)
    assert fleet.sessions.ledger.agents["a"].tokens == 15
    calls = list_calls("a", store=fleet.store.reader)
    assert [call["error_kind"] for call in calls] == [None, "cancelled"]
    row = next(row for row in fleet.log() if row["seq"] == calls[0]["seq"])
    assert (row["text"], row["tokens_in"]) == (
        "running: a tick was given up for a stop of the worker", 10,
    )  # fmt: skip


async def test_a_worker_that_was_killed_counts_what_is_in_the_log(payers, data, tmp_path):
    """From a copy of the folder as it is at some moment: totals are the sum of the rows."""
    fleet = await payers()
    await create(fleet, cost_usd=0.25, heartbeat_s=0.001)
    held = await create(fleet, "b", budget={"session": {"ticks": 2}})
    await until_held(held)
    await until_async(lambda: len(fleet.log()) > 10)
    copy = tmp_path / "copy"
    shutil.copytree(data, copy)
    killed = Fleet(
        copy, modules=("tests.support.paying_agents",), services=Services(per_session={Till: Till}),
        ledger=Ledger(clock=fleet.sessions.ledger._clock),
    )  # fmt: skip
    await killed.start("start-2")
    try:
        took = sum(row["tokens_in"] + row["tokens_out"] for row in killed.log())
        assert killed.sessions.ledger.agents["a"].tokens == took > 0
        assert killed.sessions.live["b"].held["text"] == "session ticks 2 of 2 spent"
        assert killed.kinds("b") == ["status", "tick", "tick", "status"]
        calls = list_calls("a", limit=10_000, store=killed.store.reader)
        assert 2 * sum(call["tokens_in"] for call in calls) == took
    finally:
        await killed.stop()


async def test_what_sessions_are_saying_can_be_heard(fleet):
    """Of all sessions, made before or after one listens, until one does not any more."""
    early = await create(fleet, "a", heartbeat_s=0.01)
    heard = []
    unlisten = fleet.sessions.listen_deltas(lambda who, delta: heard.append((who, delta)))
    late = await create(fleet, "b", heartbeat_s=0.01)
    await until_async(lambda: {(early, None), (late, None)} <= set(heard))
    assert {delta.text for _, delta in heard if delta is not None} == {"so"}
    unlisten()
    seen, ticks = len(heard), late.iteration
    await until_async(lambda: late.iteration > ticks)
    assert len(heard) == seen
