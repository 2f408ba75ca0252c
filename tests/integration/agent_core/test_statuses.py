"""The statuses of a session, by way of the queue, over a real store."""

import asyncio

import pytest

import queue_imp as q
from agent_core.session.status import Status
from tests.support.waiting import until_async


async def test_created_sessions_run_and_tick(fleet):
    """A create is applied at seq 1, the first tick follows at once, and state and log agree."""
    session = await fleet.create()
    await fleet.until_row("tick")
    first, second = fleet.log()[:2]
    assert (first["seq"], first["kind"], second["kind"]) == (1, "status", "tick")
    assert session.status is Status.RUNNING
    assert fleet.state()["status"] == "running"


async def test_pause_holds_and_resume_goes_on(fleet):
    """No row follows the paused row until the resume, which ticks at once."""
    session = await fleet.create(heartbeat_s=0)
    paused = await fleet.do(q.agent_pause_action, "a", "tester", "a break")
    assert fleet.state()["status"] == "paused"
    held = fleet.log()
    assert held[-1]["seq"] == paused["applied_seq"]
    assert held[-1]["text"] == "paused: a break"
    # An interrupt passes through the whole session; a tick that was due would be there by then.
    await fleet.do(q.agent_interrupt, "a", "tester", {"subject": "dogs"})
    assert [row["kind"] for row in fleet.log()][len(held) :] == ["guidance"]
    assert session.status is Status.PAUSED
    resumed = await fleet.do(q.agent_resume_action, "a", "tester")
    await until_async(lambda: fleet.kinds()[-1] == "tick")
    rows = fleet.log()[resumed["applied_seq"] :]
    assert rows[0]["text"].endswith("about dogs")


async def test_pausing_is_told_apart_while_a_tick_is_in_flight(fleet):
    """A pause in the middle of a tick shows as pausing, and as paused only after the tick's row."""
    session = await fleet.create(tick="slow", tick_s=0.5)
    await session.agent.ticking.wait()
    action = await fleet.ask(q.agent_pause_action, "a", "tester")
    await until_async(lambda: fleet.state()["status"] == "pausing")
    assert q.action_receipt(action)["outcome"] == "queued"
    await fleet.receipt(action)
    assert [row["text"].split()[0] for row in fleet.log()] == ["created,", "pausing", "1", "paused"]


async def test_destroy_leaves_a_final_row(fleet):
    """A destroy ends the log with a FinalResult; nothing is written after it."""
    session = await fleet.create(heartbeat_s=60)
    await fleet.until_row("tick")
    got = await fleet.do(q.agent_destroy_action, "a", "tester", "enough")
    last = fleet.log()[-1]
    assert (last["kind"], last["seq"], last["text"]) == (
        "final",
        got["applied_seq"],
        "stopped: enough",
    )
    assert '"ticks":1' in last["payload"]
    assert fleet.state()["status"] == "stopped"
    await until_async(lambda: "a" not in fleet.sessions.live)
    assert session.task.done()


async def test_a_tick_that_is_done_completes_the_session(fleet):
    """`done` writes the tick and the final row at once; the session is completed."""
    await fleet.create(tick="done")
    final = await fleet.until_row("final")
    assert fleet.kinds() == ["status", "tick", "final"]
    assert '"status":"completed"' in final["payload"]
    assert '"output":"1 about cats"' in final["payload"]
    got = await fleet.do(q.agent_resume_action, "a", "tester")
    assert got["outcome"] == "rejected"
    assert "completed" in got["error"]


async def test_failures_wait_longer_each_time_and_then_fail_the_session(fleet):
    """Three failed ticks are three error rows with growing waits, then a final row."""
    fleet.quicken(retry_wait_s=0.1)
    await fleet.create(tick="fail")
    await fleet.until_row("final")
    errors = [row for row in fleet.log() if row["kind"] == "error"]
    assert len(errors) == 3
    assert all("RuntimeError: as asked" in row["error"] for row in errors)
    one, two, three = (row["created_at"].timestamp() for row in errors)
    assert two - one >= 0.1
    assert three - two >= 0.2
    assert fleet.state()["status"] == "failed"
    assert '"n":0' in fleet.state()["context"], "what the failed tick did to the state must go"


async def test_a_failed_session_can_be_resumed(fleet):
    """Resume of a failed session goes on with the log and counts failures anew."""
    await fleet.create(tick="fail")
    final = await fleet.until_row("final")
    got = await fleet.do(q.agent_resume_action, "a", "tester")
    assert got["applied_seq"] == final["seq"] + 1
    await until_async(lambda: fleet.kinds().count("final") == 2)
    assert fleet.kinds()[final["seq"] :] == ["status", "error", "error", "error", "final"]


async def test_a_failed_session_can_be_destroyed(fleet):
    """Destroy of a failed session is applied, without ticking again."""
    await fleet.create(tick="fail")
    final = await fleet.until_row("final")
    got = await fleet.do(q.agent_destroy_action, "a", "tester")
    assert got["applied_seq"] == final["seq"] + 1
    assert fleet.state()["status"] == "stopped"


async def test_resume_while_the_failure_is_being_written_starts_one_loop(fleet):
    """A resume that comes in the middle of the failing row does not make two loops of one."""
    fleet.quicken(retry_wait_s=0.3)  # that it has not ended before its receipt is here
    session = await fleet.create(tick="fail")
    await until_async(lambda: session.status is Status.FAILED)
    await fleet.do(q.agent_resume_action, "a", "tester")
    running = [t for t in asyncio.all_tasks() if t.get_name() == "session a" and not t.done()]
    assert len(running) <= 1
    await until_async(lambda: fleet.kinds().count("final") == 2)


async def test_a_failure_is_forgotten_by_the_next_good_tick(fleet):
    """One failed tick is one error row; the retry's row clears the error."""
    await fleet.create(tick="fail_once")
    await fleet.until_row("tick")
    assert fleet.kinds()[:3] == ["status", "error", "tick"]
    assert fleet.state()["error"] is None


async def test_retry_after_is_honoured(fleet):
    """A failure that asks for 0.4 s is not retried sooner."""
    await fleet.create(tick="fail", tick_s=1)  # 1: raise RetryLaterError
    await until_async(lambda: fleet.kinds().count("error") >= 2)
    one, two = [row["created_at"] for row in fleet.log() if row["kind"] == "error"][:2]
    assert (two - one).total_seconds() >= 0.4


@pytest.mark.parametrize(
    ("tick", "says"),
    [
        ("huge", "a snapshot holds 65536"),
        ("none", "expected a StepResult"),
        ("bad_payload", "not JSON serializable"),
        ("bad_tokens", "tokens_in is '12'"),
        ("bad_text", "surrogates not allowed"),
        ("exit", "SystemExit: as asked"),
        ("cancelled", "CancelledError"),
    ],
)
async def test_a_bad_tick_is_an_error_row_and_nothing_else(fleet, tick, says):
    """What a tick must not do gives one clear error a try; the worker and others go on."""
    await fleet.create("other", heartbeat_s=0.02)
    await fleet.create(tick=tick)
    await fleet.until_row("final")
    errors = [row["error"] for row in fleet.log() if row["kind"] == "error"]
    assert len(errors) == 3
    assert all(says in error for error in errors)
    ticked = len(fleet.log("other"))
    await until_async(lambda: len(fleet.log("other")) > ticked)


async def test_a_tick_that_takes_too_long_is_given_up(fleet):
    """The limit on a tick ends it with an error that names the limit."""
    fleet.quicken(tick_timeout_s=0.2)
    await fleet.create(tick="slow", tick_s=60)
    row = await fleet.until_row("error")
    assert row["error"] == "TimeoutError: the tick took longer than 0.2 s"


async def test_next_in_s_overrides_the_heartbeat_once(fleet):
    """A tick that asks for a wait gets it instead of its heartbeat."""
    await fleet.create(tick="later", tick_s=0.3, heartbeat_s=0)
    await until_async(lambda: fleet.kinds().count("tick") >= 2)
    one, two = [row["created_at"] for row in fleet.log() if row["kind"] == "tick"][:2]
    assert (two - one).total_seconds() >= 0.3
