"""Sessions with topics done again from their record: the same messages, the same numbers."""

import asyncio

import pytest

import queue_imp as q
from reins.history import recording as replay
from reins.history.replay import NotReplayableError
from tests.support.topic_agents import CounterAgent
from tests.support.waiting import until_async

MODULES = ("tests.support.topic_agents",)


async def done_again(bus, session_id):
    """What differs, of a recording as a file has it."""
    recording = await asyncio.to_thread(replay.record, session_id, bus.folder)
    again = await replay.replay(recording, MODULES)
    assert len(again.rows) == len(bus.log(session_id))
    return again.differences


async def test_a_subscriber_is_done_again(bus):
    """Each tick is given the messages that it used, and publishes under the same numbers."""
    await bus.publish("t", {"add": 1}, "a text", {"add": 2})
    await bus.agent("a", on=["topic:t", "topic:u"], since="all", batch=2, to="out")
    await bus.publish("u", {"add": 4})
    await bus.until_count("a", 4)
    await bus.do(q.agent_destroy_action, "a", "ann")
    assert await done_again(bus, "a") == []


async def test_a_member_of_a_group_and_a_publisher_are_too(bus):
    """One that shares its topic, and one that publishes without reading any."""
    await bus.publish("t", *[{"add": 1}] * 5)
    await bus.agent("a", on=["topic:t"], since="all", group="g", to="out")
    await bus.until_count("a", 5)
    await bus.agent("ticker", "ticker", many=2, most=3)
    await bus.until_row("final", "ticker")
    assert await done_again(bus, "a") == []
    assert await done_again(bus, "ticker") == []


async def test_one_that_hears_a_topic_is_too(bus):
    """Its messages are guidance, its dead letters rows."""
    await bus.agent("a", "listener", on=["topic:t"])
    await bus.publish("t", "one", "bad", {"word": "three"})
    await until_async(lambda: bus.state_of("a")["words"] == ["one", "three"], "it was told")
    assert await done_again(bus, "a") == []


async def test_one_with_a_message_that_failed_is_refused(bus):
    """With the row that tells of it."""
    await bus.publish("t", "poison")
    await bus.agent("a", on=["topic:t"], since="all", attempts=2)
    await until_async(lambda: len(CounterAgent.given) == 2, "it was tried")
    await bus.publish("t", 1)
    await bus.until_count("a", 1)
    with pytest.raises(NotReplayableError, match="tells of a message that failed"):
        await done_again(bus, "a")
