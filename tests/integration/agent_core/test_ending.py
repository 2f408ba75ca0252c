"""Destroy: cooperative, then a time limit, then by force; and what comes after an end."""

import json

import queue_imp as q
from tests.support.waiting import until_async


async def test_a_tick_that_ends_in_time_is_kept(fleet):
    """Within the grace time the tick in flight ends and leaves its row before the final one."""
    session = await fleet.create(tick="slow", tick_s=0.1)
    await session.agent.ticking.wait()
    await fleet.do(q.agent_destroy_action, "a", "tester")
    assert fleet.kinds()[-2:] == ["tick", "final"]


async def test_a_tick_that_does_not_end_in_time_is_cancelled(fleet):
    """After the grace time the tick is cancelled; it leaves no row."""
    session = await fleet.create(tick="slow", tick_s=60)
    await session.agent.ticking.wait()
    await fleet.do(q.agent_destroy_action, "a", "tester")
    assert [row["text"] for row in fleet.log()] == ["created, running", "stopping", "stopped"]
    await until_async(session.task.done)


async def test_a_tick_that_swallows_its_cancellation_is_left_behind(fleet):
    """By force: the log is closed, everybody waiting is answered, the id can be used again."""
    session = await fleet.create(tick="stubborn")
    await session.agent.ticking.wait()
    pause = await fleet.ask(q.agent_pause_action, "a", "tester")
    await until_async(lambda: session.mailbox)
    got = await fleet.do(q.agent_destroy_action, "a", "tester")
    assert got["outcome"] == "applied"
    assert (await fleet.receipt(pause))["outcome"] == "rejected"
    assert "left behind" in fleet.log()[-1]["error"]
    assert not session.task.done()
    again = await fleet.do(q.agent_create, "a", "tester", agent_type="odd", config={"after": 9})
    assert again["applied_seq"] == got["applied_seq"] + 1
    await until_async(lambda: fleet.kinds()[-1] == "tick")
    session.agent.released = True  # the old tick ends now, and must not write
    await until_async(session.task.done)
    await until_async(lambda: fleet.sessions.left_behind == 1, "only the new one runs")
    assert fleet.kinds().count("final") == 1


async def test_a_stop_ends_a_guide_that_hangs(fleet):
    """Stop while guiding: after the grace time the guidance is refused and the session ends."""
    session = await fleet.create(guide="hang", heartbeat_s=60)
    stuck = await fleet.ask(q.agent_interrupt, "a", "tester", "dogs")
    await session.agent.guiding.wait()
    got = await fleet.do(q.agent_destroy_action, "a", "tester")
    assert got["outcome"] == "applied"
    assert (await fleet.receipt(stuck))["outcome"] == "rejected"
    assert json.loads(fleet.log()[-1]["payload"])["result"]["state"]["subject"] == "cats"


async def test_a_stop_ends_a_guide_that_swallows_its_cancellation(fleet):
    """The same by force; the guidance in flight is answered too."""
    session = await fleet.create(guide="stubborn", heartbeat_s=60)
    stuck = await fleet.ask(q.agent_interrupt, "a", "tester", "dogs")
    await session.agent.guiding.wait()
    got = await fleet.do(q.agent_destroy_action, "a", "tester")
    assert got["outcome"] == "applied"
    assert (await fleet.receipt(stuck))["outcome"] == "rejected"
    session.agent.released = True
    await until_async(session.task.done)
    assert fleet.kinds()[-1] == "final"


async def test_two_destroys_are_both_answered(fleet):
    """The first is applied, the second finds the session ended."""
    session = await fleet.create(tick="slow", tick_s=0.2)
    await session.agent.ticking.wait()
    first = await fleet.ask(q.agent_destroy_action, "a", "tester")
    second = await fleet.ask(q.agent_destroy_action, "a", "tester")
    assert (await fleet.receipt(first))["outcome"] == "applied"
    assert (await fleet.receipt(second))["outcome"] == "rejected"
    assert fleet.kinds().count("final") == 1


async def test_create_right_after_destroy_continues_the_log(fleet):
    """Sent together: the create waits for the destroy's end, and its seq follows the final row."""
    session = await fleet.create(tick="slow", tick_s=0.3)
    await session.agent.ticking.wait()
    destroy = await fleet.ask(q.agent_destroy_action, "a", "tester")
    create = await fleet.ask(q.agent_create, "a", "tester", agent_type="odd")
    ended, made = await fleet.receipt(destroy), await fleet.receipt(create)
    assert made["outcome"] == "applied", made["error"]
    assert made["applied_seq"] == ended["applied_seq"] + 1
    await until_async(lambda: fleet.kinds()[-1] == "tick")
    assert fleet.log()[made["applied_seq"]]["text"] == "1 about cats"


async def test_actions_on_an_ended_session_are_rejected(fleet):
    """Each names the status and leaves no row."""
    await fleet.create()
    await fleet.do(q.agent_destroy_action, "a", "tester")
    rows = len(fleet.log())
    for helper, *more in (
        (q.agent_pause_action,),
        (q.agent_resume_action,),
        (q.agent_interrupt, "dogs"),
        (q.agent_destroy_action,),
    ):
        got = await fleet.do(helper, "a", "tester", *more)
        assert got["outcome"] == "rejected"
        assert "stopped" in got["error"]
    assert len(fleet.log()) == rows
