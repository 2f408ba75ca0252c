"""Groups of subscribers: one of them does each message, once, whoever hangs, pauses or ends."""

import asyncio
import json
from collections import Counter

import queue_imp as q
from reins.bus.subscribers import list_subscribers
from store.dead_letters import list_dead_letters
from tests.support.topic_agents import CounterAgent
from tests.support.waiting import until_async


async def member(bus, name, **config):
    config = {"on": ["topic:jobs"], "since": "all", "group": "workers", **config}
    await bus.agent(name, **config)


def used(bus, *names):
    """How often each job was done, by the rows of all members."""
    found = Counter()
    for name in names:
        for row in bus.log(name):
            if row["kind"] == "tick":
                found.update(json.loads(row["payload"]).get("used", {}).get("jobs", []))
    return found


async def until_used(bus, count, *names):
    await until_async(lambda: len(used(bus, *names)) == count, f"{count} are done", 30)
    assert set(used(bus, *names).values()) == {1}


async def test_each_message_is_done_by_one_member(bus):
    """And every member gets some of them; a subscriber beside the group gets all."""
    names = [f"w{n}" for n in range(4)]
    for name in names:
        await member(bus, name, batch=5)
    await bus.agent("beside", on=["topic:jobs"], since="all")
    for start in range(0, 60, 20):
        await bus.publish("jobs", *[{"add": n} for n in range(start, start + 20)])
    await until_used(bus, 60, *names)
    await bus.until_count("beside", 60)
    assert sum(bus.state_of(name)["total"] for name in names) == sum(range(60))
    assert all(bus.state_of(name)["count"] for name in names)


async def test_a_group_begins_with_what_comes_from_now_on(bus):
    """By what its first member says; one that joins later changes nothing."""
    await bus.publish("jobs", 1, 2)
    await member(bus, "a", since="new")
    await bus.publish("jobs", 3)
    await member(bus, "b", since="new")
    await bus.publish("jobs", 4)
    await until_used(bus, 2, "a", "b")
    assert set(used(bus, "a", "b")) == {3, 4}


async def test_a_member_that_hangs_loses_its_messages(bus):
    """To another after the lease; what it commits afterwards is refused."""
    await bus.publish("jobs", {"add": 1}, "slow", {"add": 2})
    await member(bus, "a", lease_s=0.3, batch=3)
    await until_async(lambda: len(CounterAgent.given) >= 2, "it hangs")
    CounterAgent.poisonous = False  # for those who get it from now on
    await member(bus, "b", lease_s=5)
    await until_used(bus, 3, "a", "b")
    assert bus.state_of("b")["total"] == 3
    assert bus.state_of("a")["count"] == 0


async def test_what_is_done_too_late_has_no_effect(bus):
    """The tick whose lease was lost is undone as a whole; nothing of it is committed."""
    await member(bus, "a", lease_s=0.2, to="out", batch=2)
    await bus.publish("jobs", {"add": 1}, "late")
    await until_async(lambda: len(CounterAgent.given) >= 2, "it is late")
    await member(bus, "b", lease_s=5, to="out")
    await until_used(bus, 2, "a", "b")
    CounterAgent.late.set()
    await bus.publish("jobs", {"add": 7})
    await until_used(bus, 3, "a", "b")
    assert sorted(said["from"] for said in bus.said("out")) == [1, 2, 3]


async def test_a_message_that_is_lost_too_often_becomes_a_dead_letter(bus):
    """Each member hangs on it until its lease is over; none is tried for ever."""
    for name in "abcd":
        await member(bus, name, lease_s=0.2, attempts=2)
    await bus.publish("jobs", "slow")
    await until_async(lambda: list_dead_letters("jobs", store=bus.store.reader), "a dead letter")
    [letter] = list_dead_letters("jobs", store=bus.store.reader)
    assert "2 members began with it" in letter["error"]
    CounterAgent.poisonous = False


async def test_poison_becomes_one_dead_letter(bus):
    """Of the member that tried it; it keeps it between its attempts."""
    for name in "ab":
        await member(bus, name, attempts=3, batch=2)
    await bus.publish("jobs", {"add": 1}, "poison", {"add": 2}, {"add": 4})
    await until_used(bus, 3, "a", "b")
    await until_async(lambda: list_dead_letters("jobs", store=bus.store.reader), "a dead letter")
    [letter] = list_dead_letters("jobs", store=bus.store.reader)
    assert letter["attempts"] == 3
    assert len([each for each in CounterAgent.given if each[2] == 2]) == 3


async def test_who_fails_keeps_only_the_message_that_failed(bus):
    """The rest of its batch goes to others at once."""
    bus.quicken(retry_wait_s=20.0)
    await bus.publish("jobs", "poison", *[{"add": 1}] * 9)
    await member(bus, "a", batch=20, attempts=5)
    await until_async(lambda: bus.state_of("a")["bad"], "a has failed on it")
    await member(bus, "b", batch=20)
    await until_used(bus, 9, "b")


async def test_what_a_paused_or_ended_member_had_goes_to_others(bus):
    """At the end of its lease, or at once."""
    bus.quicken(retry_wait_s=20.0)
    await member(bus, "a", lease_s=0.3, attempts=5)
    await bus.publish("jobs", "poison")
    await until_async(lambda: bus.state_of("a")["bad"], "a has failed on it")
    CounterAgent.poisonous = False
    await member(bus, "b", attempts=5)
    await bus.do(q.agent_destroy_action, "a", "ann")
    await bus.until_count("b", 1)
    assert list_dead_letters(store=bus.store.reader) == []


async def test_a_restart_loses_and_doubles_nothing(bus):
    """What is done is on record, whoever has done it; what was held is given out again."""
    for name in "abc":
        await member(bus, name, batch=3)
    await bus.publish("jobs", *[{"add": 1}] * 20)
    await until_used(bus, 20, *"abc")
    await bus.stop()
    await bus.start()
    await bus.publish("jobs", *[{"add": 1}] * 10)
    await until_used(bus, 30, *"abc")
    [row] = {(each.group, each.cursor, each.lag) for each in
             list_subscribers("jobs", store=bus.store.reader)}  # fmt: skip
    assert row == ("workers", 30, 0)


async def test_a_message_wakes_one_member(bus):
    """Not all that are idle."""
    bus.quicken(heartbeat_s=30.0)
    for n in range(5):
        await member(bus, f"w{n}")
    group = await bus.topics.group("workers")
    await until_async(lambda: len(group._idle) == 5, "all are idle")
    woken = []
    for each in group._members:
        each.wake = lambda each=each, wake=each.wake: (woken.append(each), wake())
    await bus.publish("jobs", 1)
    await until_used(bus, 1, *(f"w{n}" for n in range(5)))
    assert len(woken) == 1
    await asyncio.sleep(0)
