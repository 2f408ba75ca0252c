"""Schedules of people and of sessions, over a real store."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

import queue_imp as q
from store.times import iso
from tests.support.waiting import until_async


def rows():
    return {row["schedule_id"]: row for row in q.schedules()}


async def set_daily(woken, **more):
    got = await woken.do(
        q.schedule_set, "daily", "ann", **{"topic": "t", "when": "cron:0 9 * * *", **more}
    )
    assert got["outcome"] == "applied", got


async def test_a_session_is_woken_by_its_own(woken):
    """By intervals and times of day; each message says which and when."""
    hour = (datetime.now(ZoneInfo("Europe/Berlin")).hour + 12) % 24  # not within the first hour
    daily = f"cron:0 {hour} * * * Europe/Berlin"
    await woken.agent("a", "woken", on=["every:1h", daily])
    await until_async(lambda: len(rows()) == 2, "both are on record")
    assert {(row["session_id"], row["topic"]) for row in rows().values()} == {("a", "@a")}
    await woken.ahead(h=1)
    [first] = await woken.until_got("a", 1)
    assert first["source"] == "every:1h"
    await woken.ahead(d=1)
    got = await woken.until_got("a", 3)
    assert {each["source"] for each in got} == {"every:1h", daily}
    made_up = [each for each in got if each["source"] == "every:1h"][-1]
    assert "missed_from" in made_up, "of those that a jump has left out, the newest is made up for"


async def test_what_was_due_while_no_worker_ran_is_made_up_for(woken):
    """By the rule of each: the latest, all, or none."""
    minute = (datetime.now(UTC).minute + 30) % 60  # what is hardly late counts as on time
    for rule in ("latest", "all", "none"):
        got = await woken.do(
            q.schedule_set, rule, "ann", topic=rule, when=f"cron:{minute} * * * *", catch_up=rule
        )
        assert got["outcome"] == "applied"
    await woken.stop()
    woken.ahead_us += int(5 * 3_600e6)
    await woken.start()
    await until_async(lambda: len(woken.said("all")) == 5, "all are made up for")
    await until_async(lambda: woken.said("latest"), "the latest is made up for")
    assert len(woken.said("latest")) == 1
    assert woken.said("none") == []
    due = [each["due_at"] for each in woken.said("all")]
    assert due == sorted(set(due))
    assert woken.said("latest")[0]["due_at"] == due[-1]
    assert woken.said("latest")[0]["missed_from"] == due[0]


async def test_a_clock_that_goes_back_doubles_nothing(woken):
    """What was published is not published again when the clock passes it once more."""
    await set_daily(woken, catch_up="all")
    await woken.ahead(d=3)
    await until_async(lambda: len(woken.said("t")) == 3, "three days are published")
    await woken.ahead(d=-2)
    await until_async(
        lambda: iso(rows()["daily"]["settled_at"]) < woken.said("t")[-1]["due_at"], "it went back"
    )
    await woken.again()
    await woken.ahead(d=3)
    await until_async(lambda: len(woken.said("t")) >= 4, "the fourth is published")
    due = [each["due_at"] for each in woken.said("t")]
    assert len(due) == len(set(due)) == 4


async def test_people_pause_run_and_remove(woken):
    """What is due while one is paused is left out; a run comes besides."""
    await set_daily(woken, message="now")
    await woken.do(q.schedule_pause, "daily", "ann")
    await woken.ahead(d=2)
    got = await woken.do(q.schedule_run, "daily", "bob")
    assert got["applied_seq"] == 1
    await woken.do(q.schedule_pause, "daily", "ann", paused=False)
    await woken.ahead(d=1)
    await until_async(lambda: woken.said("t") == ["now", "now"], "it goes on with the next")
    await woken.do(q.schedule_remove, "daily", "ann")
    assert rows() == {}
    for verb in (q.schedule_pause, q.schedule_run, q.schedule_remove):
        got = await woken.do(verb, "daily", "ann")
        assert (got["outcome"], "no schedule 'daily'" in got["error"]) == ("rejected", True)
    await set_daily(woken)
    assert list(rows()) == ["daily"]


async def test_own_schedules_rest_with_their_session(woken):
    """Nothing is published while it is paused; then the newest is made up for, at once."""
    await woken.agent("a", "woken", on=["every:1h"])
    await until_async(lambda: len(rows()) == 1, "it is on record")
    await woken.do(q.agent_pause_action, "a", "ann")
    await woken.ahead(h=3)
    await set_daily(woken, when="every:1s")
    await woken.ahead(s=2)
    await until_async(lambda: woken.said("t"), "others are published")
    assert woken.said("@a") == []
    await woken.do(q.agent_resume_action, "a", "ann")
    [got] = await woken.until_got("a", 1)
    assert "missed_from" in got


async def test_own_schedules_end_with_their_session(woken):
    """And begin anew with the next of its name; nobody else removes them."""
    await woken.agent("a", "woken", on=["every:1h"])
    await until_async(lambda: len(rows()) == 1, "it is on record")
    got = await woken.do(q.schedule_remove, "@a.0", "ann")
    assert "an agent's own" in got["error"]
    await woken.ahead(h=1)
    await woken.until_got("a", 1)
    await woken.again()
    assert list(rows()) == ["@a.0"]
    await woken.ahead(h=1)
    await woken.until_got("a", 2)
    await woken.do(q.agent_destroy_action, "a", "ann")
    await until_async(lambda: rows() == {}, "it has ended")
    await woken.do(q.agent_restore_action, "a", "ann")
    await until_async(rows, "it is there again")
    await woken.ahead(h=1)
    got = await woken.until_got("a", 3)
    assert len({each["due_at"] for each in got}) == len(got), "what was published stays so"
    await woken.do(q.agent_destroy_action, "a", "ann")
    await until_async(lambda: rows() == {}, "it has ended")
    await woken.agent("a", "woken", on=["every:2h"])
    await until_async(rows, "another of its name begins anew")
    assert rows()["@a.0"]["when"] == "every:2h"
    await woken.ahead(h=2)
    await woken.until_got("a", 1)


@pytest.mark.parametrize("restarts", [False, True])
async def test_one_that_is_brought_back_is_paused_still(woken, restarts):
    """A person has said that it is not to run; nothing is made up for when it goes on."""
    await woken.agent("a", "woken", on=["every:1h"])
    await until_async(rows, "it is on record")
    assert (await woken.do(q.schedule_pause, "@a.0", "ann"))["outcome"] == "applied"
    await woken.do(q.agent_destroy_action, "a", "ann")
    await until_async(lambda: rows() == {}, "it has ended")
    if restarts:
        await woken.again()
    await woken.do(q.agent_restore_action, "a", "ann")
    await until_async(rows, "it is there again")
    assert rows()["@a.0"]["paused_by"] == "ann"
    await woken.ahead(h=3)
    await woken.do(q.schedule_pause, "@a.0", "ann", paused=False)
    await woken.ahead(h=1)
    [got] = await woken.until_got("a", 1)
    assert "missed_from" not in got
