"""Sessions in trouble: what their logs say of it, and when they are well again."""

import asyncio
import json
from dataclasses import replace

import pytest

import queue_imp as q
from agent_core.session.mood import mood_of
from tests.integration.agent_core.conftest import QUICK, Fleet
from tests.support import data_folder
from tests.support.waiting import until_async

HANGS_S = 0.6


@pytest.fixture
async def quick(data):
    """Ticks take milliseconds; after so long one may hang."""
    made = Fleet(data, schedule=replace(QUICK, hanging_after_s=HANGS_S))
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, data)


async def create(fleet, agent_id="a", **config):
    got = await fleet.do(q.agent_create, agent_id, "ann", agent_type="odd", config=config)
    assert got["outcome"] == "applied", got
    return fleet.sessions.live[agent_id]


def mood(session):
    return mood_of(session.snapshot())


async def test_a_tick_that_hangs_is_noted_once_and_can_be_given_up(quick):
    """By its own habit: a row of the log says how long and what is usual, and no second one comes;
    a resume of mode now gives the tick up, and the session is well once it has ticked again."""
    session = await create(quick, tick="slow_once", tick_s=3_600, after=4)

    def told():
        return [row for row in quick.log("a") if "takes more than" in row["text"]]

    [row] = await until_async(told)
    assert mood(session) == "hanging"
    assert row["kind"] == "status"
    assert "usually" in row["text"]
    assert " ms" in row["text"]
    await asyncio.sleep(2 * HANGS_S)  # the overseer looks some times more
    assert quick.log("a")[-1]["seq"] == row["seq"]
    got = await quick.do(q.agent_resume_action, "a", "bo", mode="now")
    assert got["outcome"] == "applied", got
    given_up = row["seq"] + 1
    assert quick.log("a")[given_up - 1]["text"] == "running: the tick was given up"
    await until_async(lambda: mood(session) == "well")
    assert session.agent.state.n > 4


async def test_a_slow_agent_does_not_hang(quick):
    """Ticks that always take longer than the floor are its habit."""
    session = await create(quick, tick="slow", tick_s=1.5 * HANGS_S)
    await until_async(lambda: session.iteration >= 4)
    assert not [row for row in quick.log("a") if "takes more than" in row["text"]]


async def test_a_session_is_well_only_once_it_has_ticked(quick):
    """What has failed and is resumed is `resumed`, not well, until its next tick; what fails again
    fails on since it began."""
    session = await create(quick, tick="fail")
    await until_async(lambda: mood(session) == "failing")
    since = session.trouble.since
    await until_async(lambda: session.status == "failed")
    assert session.trouble.since == since
    session.schedule = replace(session.schedule, retry_wait_s=60)
    got = await quick.do(q.agent_resume_action, "a", "bo")
    resumed = quick.log("a")[got["applied_seq"] - 1]
    assert mood_of(json.loads(resumed["state"])) == "resumed"
    found = await quick.sessions.find("a")
    await until_async(lambda: mood(found) == "failing")


async def test_a_raise_says_whether_it_is_enough(quick):
    """The row of the guidance says that the session goes on, or at what it is still held."""
    budget = {"session": {"ticks": 2}}
    session = await create(quick, budget=budget)
    await until_async(lambda: mood(session) == "held")
    low = {"type": "set_budget", "scope": "session", "ticks": 1}
    got = await quick.do(q.agent_interrupt, "a", "bo", low)
    said = quick.log("a")[got["applied_seq"] - 1]["text"]
    assert said == "budget: session ticks 2 -> 1; still held: session ticks 2 of 1 spent"
    got = await quick.do(q.agent_interrupt, "a", "bo", low | {"ticks": 500})
    said = quick.log("a")[got["applied_seq"] - 1]["text"]
    assert said == "budget: session ticks 1 -> 500; it goes on"
    await until_async(lambda: mood(session) == "well")
