"""Agents of any type are woken: what has woken one is guidance in words."""

import queue_imp as q
from store.schedules import list_schedules
from tests.support.waiting import until_async


def guided(woken):
    return [row["text"] for row in woken.log("a") if row["kind"] == "guidance"]


async def test_any_type_is_woken_by_a_schedule(woken):
    """At its safe point, once; when it is paused it rests, and it ends with its session."""
    got = await woken.do(
        q.agent_create, "a", "ann", agent_type="odd",
        config={"on": ["every:1h"], "heartbeat_s": 60},
    )  # fmt: skip
    assert got["outcome"] == "applied", got
    await until_async(list_schedules, "it is on record")
    await woken.ahead(h=1)
    [text] = await until_async(lambda: guided(woken), "it is woken")
    assert 'every:1h: {"schedule_id":"@a.0","due_at":' in text
    await woken.do(q.agent_pause_action, "a", "ann")
    await woken.ahead(h=3)
    await woken.do(q.schedule_set, "s", "ann", topic="t", when="every:1s")
    await until_async(lambda: woken.said("t"), "others are published")
    assert len(guided(woken)) == 1
    await woken.do(q.agent_resume_action, "a", "ann")
    await until_async(lambda: len(guided(woken)) == 2, "the latest is made up for")
    await woken.again()
    await woken.ahead(h=1)
    await until_async(lambda: len(guided(woken)) == 3, "it goes on after a restart")
    await woken.do(q.agent_destroy_action, "a", "ann")
    await until_async(
        lambda: [row["schedule_id"] for row in list_schedules()] == ["s"], "it has ended"
    )


async def test_what_may_not_wake_is_refused_for_any_type(woken):
    got = await woken.do(
        q.agent_create, "a", "ann", agent_type="odd", config={"on": ["file:/etc/*"]}
    )
    assert "REINS_WATCH_ROOTS" in got["error"]
