"""Something shared is away: sessions wait for it, and only faults of their own end them."""

import asyncio
import json
import time
from dataclasses import replace
from itertools import pairwise

import pytest

import queue_imp as q
from agent_core.agent.services import Services
from agent_core.session.status import Status
from tests.integration.agent_core.conftest import QUICK, Fleet
from tests.support import data_folder
from tests.support.away_agents import Server
from tests.support.waiting import until_async

MODULES = ("tests.support.away_agents",)


@pytest.fixture
def server():
    return Server()


@pytest.fixture
async def away(data, server):
    made = Fleet(data, modules=MODULES, services=Services(server))
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, data)


async def create(fleet, agent_id="a", **config):
    got = await fleet.do(q.agent_create, agent_id, "ann", agent_type="away", config=config)
    assert got["outcome"] == "applied", got
    return fleet.sessions.live[agent_id]


async def tries(session, count):
    await until_async(lambda: session.waits is not None and session.waits.tries >= count)


def waits(fleet, session_id="a"):
    found = fleet.state(session_id)["waits"]
    return None if found is None else json.loads(found)


@pytest.mark.parametrize("how", ["away", "caused", "in a finally", "grouped"])
async def test_what_is_away_ends_no_session(away, server, how):
    """Many more tries than failures are allowed, however the agent wrapped the error; then it goes
    on by itself, and nothing waits any more."""
    session = await create(away)
    await away.until_row("tick")
    server.how = how
    await tries(session, 3 * QUICK.max_failures)
    assert session.status is Status.RUNNING
    assert session.failures == 0
    kept = waits(away)
    assert (kept["kind"], "503" in kept["reason"]) == ("model", True)
    assert kept["since"] <= time.time_ns() // 1000 <= kept["until"] + 5_000_000
    server.how = "there"
    count = away.kinds().count("tick")
    await until_async(lambda: away.kinds().count("tick") > count)
    assert waits(away) is None
    assert away.state()["error"] is None


@pytest.mark.parametrize("how", ["own", "mixed"])
async def test_faults_of_its_own_end_it(away, server, how):
    """A fault of its own is one, also beside one of the model's."""
    session = await create(away)
    server.how = how
    await until_async(lambda: session.status is Status.FAILED)
    await until_async(lambda: away.kinds()[-1] == "final")
    assert away.kinds().count("error") == QUICK.max_failures
    assert waits(away) is None


async def test_an_outage_between_faults_of_its_own_counts_none(away, server):
    """Neither more nor less: those in a row stay in a row."""
    server.script = ["own", *["away"] * 3]
    server.how = "own"
    session = await create(away)
    await away.until_row("final")
    assert session.status is Status.FAILED
    texts = [row["text"] for row in away.log() if row["kind"] == "error"]
    assert texts[0] == "tick failed (1 in a row)"
    assert texts[-1] == f"tick failed ({QUICK.max_failures} in a row)"
    assert texts[1:4] == [f"waits for the model (try {n})" for n in (1, 2, 3)]


async def test_it_holds_across_a_restart(away, data, server):
    """It waits since when it began, and goes on by itself after the start."""
    session = await create(away)
    server.how = "away"
    await tries(session, 5)
    before = waits(away)
    await away.stop()
    await away.start("start-2")
    session = away.sessions.live["a"]
    await until_async(lambda: session.waits.tries > before["tries"])
    assert abs(waits(away)["since"] - before["since"]) < 1_000_000
    assert session.status is Status.RUNNING
    server.how = "there"
    await away.until_row("tick")
    await until_async(lambda: waits(away) is None)


async def test_pauses_grow_and_end_at_the_longest(away, server):
    """A second try comes soon, a later one no more often than once in the longest pause."""
    away.quicken(retry_wait_s=0.05, retry_wait_max_s=0.4)
    await create(away)
    server.how = "away"
    await until_async(lambda: len(errors(away)) > 7)
    times = [row["created_at"].timestamp() for row in errors(away)]
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert gaps[0] < gaps[-1]
    assert all(gap >= 0.2 for gap in gaps[4:])


def errors(fleet, session_id="a"):
    return [row for row in fleet.log(session_id) if row["kind"] == "error"]


async def test_a_server_that_names_a_wait_is_left_alone_for_so_long(away, server):
    """What it asks for is waited for, also where the pause would be shorter."""
    session = await create(away)
    await away.until_row("tick")
    server.how, server.retry_after_s = "away", 1.0
    await tries(session, 1)
    asked = server.asked
    await asyncio.sleep(0.7)
    assert server.asked == asked
    await tries(session, 2)


async def test_who_waits_is_woken_by_an_answer_and_spread(away, server):
    """Sessions whose pauses are long go on when another got an answer, not all in one moment."""
    away.quicken(heartbeat_s=1.0, retry_wait_s=500.0, retry_wait_max_s=600.0)
    server.how = "away"
    sessions = [await create(away, f"s{n}") for n in range(12)]
    for session in sessions:
        await tries(session, 1)
    assert len(away.sessions.outages) == 12
    far = asyncio.get_running_loop().time() + 100
    await until_async(lambda: all(session.agent.due_at > far for session in sessions))
    server.how = "there"
    away.sessions.outages.answered("another")
    assert len(away.sessions.outages) == 12, "they wait for another route"
    away.sessions.outages.answered("main")
    await until_async(lambda: all("tick" in away.kinds(f"s{n}") for n in range(12)))
    firsts = sorted(
        next(row for row in away.log(f"s{n}") if row["kind"] == "tick")["created_at"].timestamp()
        for n in range(12)
    )
    assert firsts[-1] - firsts[0] > 0.2
    assert not len(away.sessions.outages)


async def test_a_person_who_asks_does_not_wait(away, server):
    """Guidance, and a resume after a pause, try at once; a pause ends the wait."""
    away.quicken(retry_wait_s=500.0, retry_wait_max_s=600.0)
    session = await create(away)
    server.how = "away"
    await tries(session, 1)
    await away.do(q.agent_interrupt, "a", "ann", "try again")
    await tries(session, 2)
    await away.do(q.agent_pause_action, "a", "ann")
    assert (away.state()["status"], waits(away)) == ("paused", None)
    assert not len(away.sessions.outages)
    asked = server.asked
    await away.do(q.agent_resume_action, "a", "ann")
    await until_async(lambda: server.asked == asked + 1)
    await tries(session, 1)
    await away.do(q.agent_destroy_action, "a", "ann")
    assert (away.state()["status"], waits(away)) == ("stopped", None)


async def test_news_leave_it_its_pause(away, server):
    """What keeps coming up does not make it ask without an end."""
    away.quicken(retry_wait_s=500.0, retry_wait_max_s=600.0)
    session = await create(away)
    server.how = "away"
    await tries(session, 1)
    asked = server.asked
    for _ in range(20):
        session.agent.news()
        await asyncio.sleep(0.005)
    assert server.asked == asked


async def test_an_outage_takes_no_tick_from_a_budget(away, server):
    """Ticks that could not be are none."""
    server.how = "away"
    session = await create(away, budget={"session": {"ticks": 3}})
    await tries(session, 8)
    assert session.usage["ticks"] == 0
    server.how = "there"
    await until_async(lambda: session.held is not None)
    await until_async(lambda: (waits(away) or {}).get("kind") == "budget")
    kept = waits(away)
    assert (kept["reason"], kept["until"]) == ("session ticks 3 of 3 spent", None)
    assert away.kinds().count("tick") == 3


async def test_a_budget_of_the_day_says_until_when(away):
    """The end of the day, UTC."""
    session = await create(away, budget={"day": {"ticks": 1}})
    await until_async(lambda: session.held is not None)
    await until_async(lambda: waits(away) is not None)
    assert waits(away)["until"] % 86_400_000_000 == 0
    assert 0 < waits(away)["until"] - time.time_ns() // 1000 <= 86_400_000_000


# -- what waits behind a tick that fails for the last time


async def fails_for_the_last_time(fleet, server, *asked):
    """The receipts of what is asked for while its last tick is in flight."""
    fleet.sessions.reconfigure(replace(fleet.schedule, max_failures=1, heartbeat_s=0.0))
    server.script = ["slow own"]
    session = await create(fleet)
    await until_async(lambda: session.scope.ticking)
    actions = [await fleet.ask(helper, "a", "ann", *more) for helper, *more in asked]
    await until_async(lambda: len(list(session.mailbox.waiting())) == len(asked))
    server.released.set()
    return [await fleet.receipt(action) for action in actions]


async def test_a_resume_behind_the_last_failure_is_applied(away, server):
    """It runs again, with the row that says so."""
    [got] = await fails_for_the_last_time(away, server, (q.agent_resume_action,))
    assert got["outcome"] == "applied", got
    row = away.log()[got["applied_seq"] - 1]
    assert row["text"] == "running again after failure"
    await away.until_row("tick")


async def test_a_resume_while_it_tries_again_gives_it_all_its_tries(away, server):
    """A person who says to go on does not meet the last of the tries that were left."""
    away.sessions.reconfigure(replace(away.schedule, max_failures=2, retry_wait_s=3_600))
    server.script = ["own", "own"]
    session = await create(away)
    await until_async(lambda: session.failures == 1 and not session.scope.ticking)
    await away.do(q.agent_resume_action, "a", "ann")
    await until_async(lambda: away.kinds().count("error") == 2)
    assert session.status is Status.RUNNING
    assert session.failures == 1


async def test_a_resume_behind_a_tick_that_breaks_the_loop_is_applied(away, server):
    """Also where its code has failed beside the tick."""

    def breaks():
        del session.agent.after_tick
        raise RuntimeError("beside the tick")

    server.script = ["slow own"]
    session = await create(away)
    await until_async(lambda: session.scope.ticking)
    session.agent.after_tick = breaks
    action = await away.ask(q.agent_resume_action, "a", "ann")
    await until_async(lambda: len(list(session.mailbox.waiting())) == 1)
    server.released.set()
    got = await away.receipt(action)
    assert got["outcome"] == "applied", got
    assert "the session failed" in [row["text"] for row in away.log()]
    await away.until_row("tick")
    assert session.status is Status.RUNNING


async def test_a_destroy_behind_the_last_failure_is_applied(away, server):
    """It has failed, and is stopped."""
    [got] = await fails_for_the_last_time(away, server, (q.agent_destroy_action,))
    assert got["outcome"] == "applied", got
    assert away.state()["status"] == "stopped"


async def test_of_others_behind_it_each_has_the_end_of_its_turn(away, server):
    """A pause before the resume finds it failed; one after it finds it running."""
    first, resumed, then, last = await fails_for_the_last_time(
        away, server, (q.agent_pause_action,), (q.agent_resume_action,),
        (q.agent_interrupt, "go on"), (q.agent_pause_action,),
    )  # fmt: skip
    assert first["outcome"] == "rejected"
    assert "is failed" in first["error"]
    assert [each["outcome"] for each in (resumed, then, last)] == ["applied"] * 3
    assert away.state()["status"] == "paused"


async def test_a_pause_behind_the_last_failure_is_rejected(away, server):
    """Nobody asks a failed session to pause; a resume that comes later finds it ended."""
    [got] = await fails_for_the_last_time(away, server, (q.agent_pause_action,))
    assert got["outcome"] == "rejected"
    got = await away.do(q.agent_resume_action, "a", "ann")
    assert got["outcome"] == "applied"
    await away.until_row("tick")
