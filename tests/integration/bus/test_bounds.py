"""Bounds of topics: by messages and by age, for actions, for ticks, and for who reads slowly."""

import asyncio
import json

import queue_imp as q
from reins.bus.subscribers import list_subscribers
from store.dead_letters import list_dead_letters
from tests.support.waiting import until_async


async def bound(bus, topic, **bounds):
    got = await bus.do(q.topic_set, topic, "ann", **bounds)
    assert got["outcome"] == "applied", got


async def slow(bus, name, **config):
    """A subscriber of `t` that fails on its first message for a long time."""
    bus.quicken(retry_wait_s=30.0)
    await bus.agent(name, on=["topic:t"], attempts=2, **config)
    await bus.publish("t", "poison")
    await until_async(lambda: bus.state_of(name)["bad"], f"{name} has failed on it")


async def test_a_message_too_many_is_rejected(bus):
    """The receipt says who is furthest behind, and by how much; nothing of it is published."""
    await bound(bus, "t", max_unread=3)
    await slow(bus, "a")
    got = await bus.publish("t", 2, 3, 4, 5)
    assert [each["outcome"] for each in got] == ["applied", "applied", "rejected", "rejected"]
    assert "session a has not read 3 messages, and 3 may be unread" in got[-1]["error"]
    assert bus.said("t") == ["poison", 2, 3]
    bus.sessions.live["a"].agent.tick_now()
    assert [(each.session_id, each.cursor, each.lag) for each in
            list_subscribers("t", store=bus.store.reader)] == [("a", 0, 3)]  # fmt: skip


async def test_one_that_is_paused_counts_by_age_alone(bus):
    """And one that has ended not at all."""
    await bound(bus, "t", max_unread=2)
    await slow(bus, "a")
    await bus.do(q.agent_pause_action, "a", "ann")
    got = await bus.publish("t", *range(5))
    assert {each["outcome"] for each in got} == {"applied"}
    await bound(bus, "t", max_age_s=0.05)
    await asyncio.sleep(0.06)
    [got] = await bus.publish("t", 6)
    assert got["outcome"] == "rejected"
    assert "session a has not read a message of" in got["error"]
    await bus.do(q.agent_destroy_action, "a", "ann")
    [got] = await bus.publish("t", 7)
    assert got["outcome"] == "applied"


async def test_what_waits_is_published_once_there_is_room(bus):
    """In its order; a tick's as an action's, and the tick's session is told to wait for a topic."""
    await bound(bus, "t", max_unread=1, when_full="wait")
    await slow(bus, "a")
    asked = [await bus.ask(q.publish, "t", "ann", number) for number in (2, 3)]
    await bus.agent("ticker", "ticker", to="t", most=1)
    await until_async(lambda: bus.sessions.live["ticker"].waits, "the tick waits")
    assert bus.sessions.live["ticker"].waits.kind == "topic"
    assert bus.said("t") == ["poison"]
    bus.quicken(retry_wait_s=0.02)
    await bus.do(q.agent_destroy_action, "a", "ann")
    got = [await bus.receipt(each) for each in asked]
    assert [each["applied_seq"] for each in got] == [2, 3]
    await bus.until_row("final", "ticker")
    assert bus.said("t") == ["poison", 2, 3, {"tick": 1, "part": 0}]


async def test_a_wait_has_an_end(bus):
    """The action is rejected, the tick fails."""
    bus.topics.wait_s = 0.1
    await bound(bus, "t", max_unread=1, when_full="wait")
    await slow(bus, "a")
    [got] = await bus.publish("t", 2)
    assert got["outcome"] == "rejected"
    bus.quicken(retry_wait_s=0.02)
    await bus.agent("ticker", "ticker", to="t", most=1)
    last = await bus.until_row("final", "ticker")
    assert "TopicFullError: topic t is full" in last["error"]


async def test_one_that_publishes_to_what_it_reads_does_not_wait_for_itself(bus):
    """Each message that has no room becomes a dead letter, and makes room for the next."""
    await bound(bus, "t", max_unread=3, when_full="wait")
    await bus.agent("a", on=["topic:t"], to="t", attempts=1)
    await bus.publish("t", 1, 2, 3)
    await until_async(
        lambda: bus.state_of("a")["cursors"].get("t", 0) > 30 or list_dead_letters(
            "t", store=bus.store.reader), "it goes on"
    )  # fmt: skip
    assert not bus.sessions.live["a"].ended


async def test_two_that_fill_each_other_come_on(bus):
    """The one whose wait ends first gives a message up, on record; neither fails."""
    bus.topics.wait_s = 0.05
    for topic in ("t", "u"):
        await bound(bus, topic, max_unread=2, when_full="wait")
    await bus.agent("a", on=["topic:t"], to="u", attempts=1)
    await bus.agent("b", on=["topic:u"], to="t", attempts=1)
    await bus.publish("t", 1, 2)
    await bus.publish("u", 1, 2)
    before = bus.state_of("a")["cursors"].get("t", 0)
    await until_async(
        lambda: bus.state_of("a")["cursors"].get("t", 0) > before + 5, "messages are used"
    )
    assert not bus.sessions.live["a"].ended
    assert not bus.sessions.live["b"].ended


async def test_the_oldest_are_dropped_with_a_mark(bus):
    """No row goes; the cursor of the slow one jumps, and its row says what it has missed."""
    await bound(bus, "t", max_unread=3, when_full="drop_oldest")
    await bus.agent("a", on=["topic:t"])
    await bus.do(q.agent_pause_action, "a", "ann")
    await bus.publish("t", *[{"add": n} for n in range(1, 11)])
    await bus.do(q.agent_resume_action, "a", "ann")
    await bus.until_count("a", 3)
    assert bus.state_of("a")["total"] == 8 + 9 + 10
    [row] = [row for row in bus.log("a") if row["kind"] == "tick"]
    payload = json.loads(row["payload"])
    assert payload == {"gaps": [{"topic": "t", "first": 1, "last": 7}], "used": {"t": [8, 9, 10]}}
    assert "messages 1 to 7 of t were dropped unread" in row["text"]
    await until_async(lambda: bus.topics.dropped == {"t": 7}, "the gap is counted")
    assert len(bus.said("t")) == 10


async def test_bounds_hold_after_a_restart(bus):
    """They are on record; an action that comes again sets them once."""
    await bound(bus, "t", max_unread=1)
    await bus.stop()
    await bus.start()
    await slow(bus, "a")
    [got] = await bus.publish("t", 2)
    assert got["outcome"] == "rejected"
