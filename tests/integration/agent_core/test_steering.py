"""Interrupts: at safe points, at once, and when an agent cannot take them."""

import asyncio
import json

import pytest

import queue_imp as q
from agent_core.session.status import Status
from tests.support.waiting import until_async


async def test_guidance_is_on_record_and_ticks_at_once(fleet):
    """An interrupt wakes a session that would sleep for a minute; its row holds who and what."""
    await fleet.create(heartbeat_s=60)
    await fleet.until_row("tick")
    got = await fleet.do(q.agent_interrupt, "a", "ann", {"subject": "dogs"})
    await until_async(lambda: fleet.kinds().count("tick") == 2)
    row, tick = fleet.log()[got["applied_seq"] - 1 :]
    assert (row["kind"], row["text"]) == ("guidance", "subject: dogs")
    assert json.loads(row["payload"]) == {
        "guidance": {"subject": "dogs"}, "mode": "steer", "actor": "ann",
    }  # fmt: skip
    assert json.loads(row["applied_actions"]) == [got["action_id"]]
    assert tick["text"] == "2 about dogs"


async def test_steer_waits_for_the_tick_in_flight(fleet):
    """Without `now` the tick in flight ends on its own, and its row comes first."""
    session = await fleet.create(tick="slow", tick_s=0.3)
    await session.agent.ticking.wait()
    await fleet.do(q.agent_interrupt, "a", "ann", "dogs")
    assert fleet.kinds()[:3] == ["status", "tick", "guidance"]


async def test_now_aborts_the_tick_which_starts_again_with_the_guidance(fleet):
    """`now` does not wait for a tick of a minute; no row is left of the aborted one."""
    session = await fleet.create(tick="slow", tick_s=60)
    await session.agent.ticking.wait()
    session.agent.config.tick_s = 0.01
    await fleet.do(q.agent_interrupt, "a", "ann", "dogs", mode="now")
    await fleet.until_row("tick")
    assert [row["text"] for row in fleet.log()][1:3] == ["subject: dogs", "1 about dogs"]
    assert session.failures == 0


async def test_a_tick_that_swallowed_an_abort_can_be_aborted_again(fleet):
    """The count of cancellations is right after a tick that ignored one: the session lives on."""
    session = await fleet.create(tick="stubborn")
    await session.agent.ticking.wait()
    action = await fleet.ask(q.agent_interrupt, "a", "ann", "dogs", mode="now")
    await until_async(lambda: session.mailbox)
    session.agent.released = True
    await fleet.receipt(action)
    session.agent.config.tick, session.agent.config.tick_s = "slow", 60
    session.agent.ticking.clear()
    await session.agent.ticking.wait()
    got = await fleet.do(q.agent_interrupt, "a", "ann", "birds", mode="now")
    assert got["outcome"] == "applied"
    assert not session.task.done()


async def test_guidance_reaches_a_tick_at_its_safe_points(fleet):
    """A tick of many parts goes on with the guidance that came in between two of them."""
    session = await fleet.create(tick="parts", parts=8, tick_s=0.1, heartbeat_s=60)
    await session.agent.ticking.wait()
    await fleet.do(q.agent_interrupt, "a", "ann", "dogs")
    row = await fleet.until_row("tick")
    assert fleet.kinds() == ["status", "guidance", "tick"], "taken in before the tick's end"
    subjects = json.loads(row["payload"])["subjects"]
    assert (subjects[0], subjects[-1]) == ("cats", "dogs")


@pytest.mark.parametrize(
    ("helper", "last"), [(q.agent_pause_action, "status"), (q.agent_destroy_action, "final")]
)
async def test_a_safe_point_gives_way_to_pause_and_stop(fleet, helper, last):
    """A pause or a stop ends a long tick at its next safe point, without a row of it."""
    session = await fleet.create(tick="parts", parts=1_000, tick_s=0.05)
    await session.agent.ticking.wait()
    await fleet.do(helper, "a", "ann")
    assert not session.scope.ticking, "no tick is in flight once it is applied"
    assert "tick" not in fleet.kinds()
    assert fleet.kinds()[-1] == last


@pytest.mark.parametrize("helper", [q.agent_pause_action, q.agent_destroy_action])
async def test_what_comes_while_guidance_is_taken_in_is_not_applied_within_the_tick(fleet, helper):
    """A pause or stop that meets a slow guide() at a safe point: no tick row follows its row."""
    session = await fleet.create(tick="parts", parts=3, tick_s=0.1, guide="slow")
    await session.agent.ticking.wait()
    guidance = await fleet.ask(q.agent_interrupt, "a", "ann", "dogs")
    await session.agent.guiding.wait()
    ended = await fleet.do(helper, "a", "ann")
    assert not session.scope.ticking, "no tick is in flight once it is applied"
    await fleet.receipt(guidance)
    assert fleet.log()[-1]["seq"] == ended["applied_seq"]
    assert "tick" not in fleet.kinds()


@pytest.mark.parametrize(
    ("guide", "says"),
    [
        ("fail", "RuntimeError: as asked"),
        ("exit", "SystemExit: as asked"),
        ("cancelled", "CancelledError"),
        ("number", "guide() returned int"),
    ],
)
async def test_a_guide_that_fails_is_a_rejection(fleet, guide, says):
    """Whatever guide() does, the action is answered, the state is as before, ticks go on."""
    await fleet.create(guide=guide)
    got = await fleet.do(q.agent_interrupt, "a", "ann", "dogs")
    assert got["outcome"] == "rejected"
    assert says in got["error"]
    seen = len(fleet.log())
    await until_async(lambda: len(fleet.log()) > seen)
    assert fleet.log()[-1]["text"].endswith("about cats")


@pytest.mark.parametrize(
    ("guidance", "says"),
    [({"colour": "red"}, "{subject}"), ({"subject": 5}, "subject"), ("nothing", "no subject")],
)
async def test_guidance_of_the_wrong_shape_is_rejected(fleet, guidance, says):
    """The receipt says what was expected; the session is untouched."""
    await fleet.create()
    got = await fleet.do(q.agent_interrupt, "a", "ann", guidance)
    assert got["outcome"] == "rejected"
    assert says in got["error"]
    assert "guidance" not in fleet.kinds()


async def test_wrong_guidance_is_rejected_although_the_tick_is_long(fleet):
    """What nobody could apply is refused at once, not after the tick in flight."""
    session = await fleet.create(tick="slow", tick_s=60)
    await session.agent.ticking.wait()
    got = await fleet.do(q.agent_interrupt, "a", "ann", {"colour": "red"})
    assert got["outcome"] == "rejected"


async def test_a_guide_that_hangs_is_given_up(fleet):
    """guide() is bounded as a tick is, and the rejection says so."""
    fleet.quicken(tick_timeout_s=0.2)
    await fleet.create(guide="hang")
    got = await fleet.do(q.agent_interrupt, "a", "ann", "dogs")
    assert "given up" in got["error"]


async def test_now_ends_the_taking_in_of_earlier_guidance(fleet):
    """The earlier is rejected with why, and the later has its turn; a plain one waits."""
    session = await fleet.create(guide="hang")
    earlier = await fleet.ask(q.agent_interrupt, "a", "ann", "dogs")
    await session.agent.guiding.wait()
    session.agent.guiding.clear()
    later = await fleet.ask(q.agent_interrupt, "a", "ann", "cats", mode="now")
    got = await fleet.receipt(earlier)
    assert got["outcome"] == "rejected"
    assert "mode now" in got["error"]
    await session.agent.guiding.wait()
    plain = await fleet.ask(q.agent_interrupt, "a", "ann", "birds")
    await until_async(lambda: session.mailbox)
    assert q.action_receipt(later)["outcome"] == "queued"
    await fleet.do(q.agent_destroy_action, "a", "ann")
    assert "for a stop" in (await fleet.receipt(later))["error"]
    assert (await fleet.receipt(plain))["outcome"] == "rejected"


async def test_one_slow_session_delays_no_other(fleet):
    """While one guide() hangs and one tick takes a minute, another session is steered at once."""
    hanging = await fleet.create("hanging", guide="hang")
    slow = await fleet.create("slow", tick="slow", tick_s=60)
    await fleet.create("other", heartbeat_s=60)
    stuck = [
        await fleet.ask(q.agent_interrupt, "hanging", "ann", "x"),
        await fleet.ask(q.agent_pause_action, "slow", "ann"),
    ]
    await hanging.agent.guiding.wait()
    await until_async(lambda: slow.status is Status.PAUSING)
    async with asyncio.timeout(2):
        got = await fleet.do(q.agent_interrupt, "other", "ann", "dogs")
    assert got["outcome"] == "applied"
    assert all(q.action_receipt(action)["outcome"] == "queued" for action in stuck)
    for agent_id in ("hanging", "slow"):
        await fleet.do(q.agent_destroy_action, agent_id, "ann")
    for action in stuck:
        await fleet.receipt(action)
