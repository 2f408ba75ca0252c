"""A destroy taken back: the session is as it was, and its log goes on; for ten minutes."""

import asyncio
import json

import pytest

import queue_imp as q
from tests.support.waiting import until_async


async def test_a_running_session_goes_on_as_it_was(fleet):
    """Same state, next tick, one log without gaps, a row that names who restored it."""
    await fleet.create(heartbeat_s=0)
    await fleet.do(q.agent_interrupt, "a", "tester", {"subject": "dogs"})
    destroyed = await fleet.do(q.agent_destroy_action, "a", "tester")
    before = fleet.state()
    restored = await fleet.do(q.agent_restore_action, "a", "ann")
    assert restored["outcome"] == "applied", restored["error"]
    assert restored["applied_seq"] == destroyed["applied_seq"] + 1
    row = fleet.log()[destroyed["applied_seq"]]
    assert (row["kind"], row["text"]) == ("status", "restored by ann, running")
    assert json.loads(row["payload"])["destroyed_at"] == destroyed["applied_seq"]
    await until_async(lambda: fleet.kinds()[-1] == "tick")
    after = fleet.state()
    assert json.loads(after["context"])["subject"] == "dogs"
    assert after["iteration"] > before["iteration"]
    assert (
        json.loads(after["snapshot"])["created_at"] == json.loads(before["snapshot"])["created_at"]
    )


async def test_a_paused_session_comes_back_paused(fleet):
    """It does not begin to run because somebody undid its end."""
    await fleet.create(heartbeat_s=0)
    await fleet.do(q.agent_pause_action, "a", "tester")
    await fleet.do(q.agent_destroy_action, "a", "tester")
    await fleet.do(q.agent_restore_action, "a", "ann")
    assert fleet.state()["status"] == "paused"
    rows = len(fleet.log())
    await fleet.do(q.agent_interrupt, "a", "tester", {"subject": "dogs"})
    assert fleet.kinds()[rows:] == ["guidance"]
    await fleet.do(q.agent_resume_action, "a", "ann")
    await until_async(lambda: fleet.kinds()[-1] == "tick")


async def test_a_failed_session_comes_back_failed(fleet):
    """Nothing of it runs; a resume takes it up."""
    await fleet.create(tick="fail", heartbeat_s=0)
    await until_async(lambda: fleet.state()["status"] == "failed")
    failures = json.loads(fleet.state()["snapshot"])["failures"]
    await fleet.do(q.agent_destroy_action, "a", "tester")
    got = await fleet.do(q.agent_restore_action, "a", "ann")
    assert got["outcome"] == "applied", got["error"]
    assert fleet.state()["status"] == "failed"
    assert json.loads(fleet.state()["snapshot"])["failures"] == failures
    assert "a" not in fleet.sessions.live


async def test_a_session_that_a_budget_holds_comes_back_held(fleet):
    """It waits at the same limit, and goes on once that is raised."""
    await fleet.create(heartbeat_s=0, budget={"session": {"ticks": 2}})
    await until_async(lambda: "held" in json.loads(fleet.state()["snapshot"]))
    held = json.loads(fleet.state()["snapshot"])["held"]
    await fleet.do(q.agent_destroy_action, "a", "tester")
    await fleet.do(q.agent_restore_action, "a", "ann")
    assert json.loads(fleet.state()["snapshot"])["held"] == held
    raised = {"type": "set_budget", "scope": "session", "ticks": 3}
    await fleet.do(q.agent_interrupt, "a", "ann", raised)
    await until_async(lambda: fleet.state()["iteration"] == 3)


async def test_a_stop_amid_a_tick_is_undone_to_running(fleet):
    """The log says `stopping` before the end; what is restored runs, and ticks anew."""
    session = await fleet.create(tick="slow", tick_s=60)
    await session.agent.ticking.wait()
    destroy = await fleet.ask(q.agent_destroy_action, "a", "tester")
    restore = await fleet.ask(q.agent_restore_action, "a", "ann")  # while it is stopping
    assert (await fleet.receipt(destroy))["outcome"] == "applied"
    assert (await fleet.receipt(restore))["outcome"] == "applied"
    assert [row["text"] for row in fleet.log()][-3:] == [
        "stopping", "stopped", "restored by ann, running",
    ]  # fmt: skip
    assert fleet.sessions.live["a"] is not session


async def test_it_can_be_destroyed_and_restored_again(fleet):
    """Each destroy has its own ten minutes."""
    await fleet.create(heartbeat_s=60)
    for _ in range(3):
        await fleet.do(q.agent_destroy_action, "a", "tester")
        assert (await fleet.do(q.agent_restore_action, "a", "ann"))["outcome"] == "applied"
    assert fleet.state()["status"] == "running"


@pytest.mark.parametrize("how", ["runs", "completed", "created again", "restored"])
async def test_only_a_destroy_is_taken_back(fleet, how):
    """Each refusal says what the session is."""
    after = {"tick": "done"} if how == "completed" else {}
    await fleet.create(heartbeat_s=0 if after else 60, **after)
    if how == "completed":
        await until_async(lambda: fleet.state()["status"] == "completed")
    elif how != "runs":
        await fleet.do(q.agent_destroy_action, "a", "tester")
        if how == "restored":
            await fleet.do(q.agent_restore_action, "a", "ann")
        else:
            await fleet.create(heartbeat_s=60)
    got = await fleet.do(q.agent_restore_action, "a", "ann")
    assert got["outcome"] == "rejected"
    expected = "completed" if how == "completed" else "running"
    assert f"is {expected}; expected one that was destroyed" in got["error"]


async def test_after_ten_minutes_it_is_rejected(fleet, monkeypatch):
    """By the time at which it was asked for, not by that of a worker that was away."""
    await fleet.create(heartbeat_s=60)
    await fleet.do(q.agent_destroy_action, "a", "tester")
    monkeypatch.setattr("agent_core.session.restoring.RESTORE_S", 0)
    await asyncio.sleep(0.01)
    got = await fleet.do(q.agent_restore_action, "a", "ann")
    assert got["outcome"] == "rejected"
    assert "was destroyed 0 minutes before; a destroy can be undone for" in got["error"]
    assert fleet.kinds()[-1] == "final"


async def test_a_restart_in_between_changes_nothing(fleet):
    """Destroyed by one worker, restored by the next; and the one after that takes it up."""
    await fleet.create(heartbeat_s=60)
    await fleet.do(q.agent_interrupt, "a", "tester", {"subject": "dogs"})
    await fleet.do(q.agent_destroy_action, "a", "tester")
    await fleet.stop()
    asked = await fleet.ask(q.agent_restore_action, "a", "ann")
    await fleet.start("start-2")
    assert (await fleet.receipt(asked))["outcome"] == "applied"
    assert fleet.state()["status"] == "running"
    await fleet.stop()
    await fleet.start("start-3")
    assert fleet.log()[-1]["text"] == "resumed by start start-3"
    assert json.loads(fleet.state()["context"])["subject"] == "dogs"


async def test_a_paused_session_stopped_amid_guidance_comes_back_paused(fleet):
    """Its last rows say `stopping`; nobody has said that it may run."""
    session = await fleet.create(heartbeat_s=0, guide="hang")
    await fleet.do(q.agent_pause_action, "a", "tester")
    await fleet.ask(q.agent_interrupt, "a", "tester", {"subject": "dogs"})
    await session.agent.guiding.wait()
    await fleet.do(q.agent_destroy_action, "a", "tester")
    assert [row["text"] for row in fleet.log()][-2:] == ["stopping", "stopped"]
    await fleet.do(q.agent_restore_action, "a", "ann")
    assert fleet.log()[-1]["text"] == "restored by ann, paused"
    assert fleet.sessions.live["a"].status == "paused"


async def test_a_session_in_trouble_comes_back_with_its_cause(fleet):
    """Else it would be of another cause than those that have the same fault."""
    await fleet.create(tick="fail", tick_s=60, heartbeat_s=0)
    await fleet.until_row("error")
    trouble = json.loads(fleet.state()["snapshot"])["trouble"]
    await fleet.do(q.agent_pause_action, "a", "tester")
    await fleet.do(q.agent_destroy_action, "a", "tester")
    assert "trouble" not in json.loads(fleet.state()["snapshot"])
    await fleet.do(q.agent_restore_action, "a", "ann")
    restored = json.loads(fleet.state()["snapshot"])["trouble"]
    assert (restored["kind"], restored["key"]) == ("fault", trouble["key"])


async def test_who_finds_it_while_it_is_restored_lets_no_second_one_live(fleet, monkeypatch):
    """Its row is on disk before its restore knows of that."""
    await fleet.create(heartbeat_s=60)
    await fleet.do(q.agent_destroy_action, "a", "tester")
    append, found = fleet.store.journal.append, []

    async def append_and_look(*records):
        await append(*records)
        if any(b"restored by" in record.body for record in records):
            found.append(await fleet.sessions.find("a"))

    monkeypatch.setattr(fleet.store.journal, "append", append_and_look)
    await fleet.do(q.agent_restore_action, "a", "ann")
    assert found == [fleet.sessions.live["a"]]
    assert fleet.sessions.left_behind == 1, "one task, of one session"
    assert "restored by ann, running" in [row["text"] for row in fleet.log()[-2:]]
