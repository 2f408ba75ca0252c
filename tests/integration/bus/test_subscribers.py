"""Topics: published by actions and by ticks, used once by each who subscribes."""

import json
from dataclasses import replace

import queue_imp as q
from store.dead_letters import list_dead_letters
from tests.support.topic_agents import CounterAgent
from tests.support.waiting import until_async


async def test_a_published_message_has_a_number(bus):
    """The receipt says which; texts and JSON come back as they were published."""
    got = await bus.publish("prices", "a text", {"a": [1, None]}, 7)
    assert [(each["outcome"], each["applied_seq"]) for each in got] == [
        ("applied", 1), ("applied", 2), ("applied", 3),
    ]  # fmt: skip
    assert bus.said("prices") == ["a text", {"a": [1, None]}, 7]


async def test_many_actions_share_commits_and_keep_their_order(bus):
    """All that come together have numbers without gaps, in the queue's order."""
    ids = [await bus.ask(q.publish, "t", "ann", number) for number in range(60)]
    got = [await bus.receipt(each) for each in ids]
    assert [each["applied_seq"] for each in got] == list(range(1, 61))
    assert bus.said("t") == list(range(60))


async def test_a_topic_is_no_conversation(bus):
    """Nobody speaks in one: its numbers are given by whoever publishes."""
    await bus.publish("prices", 1)
    got = await bus.do(q.post_message, "topic:prices", "ann", "hello")
    assert got["outcome"] == "rejected"
    assert "is a topic" in got["error"]
    got = await bus.do(q.conversation_create, "topic:other", "ann")
    assert got["outcome"] == "rejected"


async def test_a_tick_publishes_what_it_says(bus):
    """Several messages of one tick to one topic; the tick's row has their numbers."""
    await bus.agent("t", "ticker", many=3, most=4)
    await bus.until_row("final", "t")
    assert len(bus.said("ticks")) == 12
    rows = [row for row in bus.log("t") if row["kind"] == "tick"]
    numbers = [json.loads(row["payload"])["topic:ticks"] for row in rows]
    assert numbers == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]


async def test_a_key_is_published_once(bus):
    """By any tick, of any session."""
    await bus.agent("t", "ticker", many=2, most=3, key="k")
    await bus.agent("u", "ticker", many=2, most=3, key="k")
    await bus.until_row("final", "t")
    await bus.until_row("final", "u")
    assert bus.said("ticks") == [{"tick": 1, "part": 0}]


async def test_a_subscriber_uses_what_is_published(bus):
    """By its name and by patterns, also of topics that come later; the newest only, or all."""
    await bus.publish("orders.eu", {"add": 1})
    await bus.agent("new", on=["topic:orders.*"])
    await bus.agent("all", on=["topic:orders.**"], since="all")
    await bus.publish("orders.eu", {"add": 10})
    await bus.publish("orders.us", {"add": 100})
    await bus.publish("orders.us.ny", {"add": 1000})
    await bus.publish("prices", {"add": 10000})
    await bus.until_count("new", 2)
    await bus.until_count("all", 4)
    assert bus.state_of("new")["total"] == 110
    assert bus.state_of("all")["total"] == 1111


async def test_several_messages_are_one_tick(bus):
    """What has gathered is used together, up to the batch."""
    await bus.publish("t", *[{"add": 1}] * 30)
    await bus.agent("a", on=["topic:t"], since="all", batch=20)
    await bus.until_count("a", 30)
    rows = [row for row in bus.log("a") if row["kind"] == "tick"]
    used = [json.loads(row["payload"])["used"]["t"] for row in rows]
    assert used == [list(range(1, 21)), list(range(21, 31))]


async def test_poison_becomes_a_dead_letter_alone(bus):
    """What went well before it is committed, it is tried as often as configured, and the rest
    follows; its cursor and its row are one commit.
    """
    await bus.publish("t", {"add": 1}, {"add": 2}, "poison", {"add": 4})
    await bus.agent("a", on=["topic:t"], since="all", attempts=3)
    await bus.until_count("a", 3)
    state = bus.state_of("a")
    assert (state["total"], state["cursors"]["t"], state["bad"]) == (7, 4, None)
    assert [number for _, _, number in CounterAgent.given] == [1, 2, 3, 3, 3, 4]
    [letter] = list_dead_letters("t", store=bus.store.reader)
    assert (letter["number"], letter["attempts"], letter["session_id"]) == (3, 3, "a")
    assert "it is poison" in letter["error"]


async def test_a_message_that_takes_too_long_becomes_one_too(bus):
    """Ticks that come to no end over it count."""
    bus.quicken(tick_timeout_s=0.2)
    await bus.publish("t", {"add": 1}, "slow", {"add": 4})
    await bus.agent("a", on=["topic:t"], since="all", attempts=2)
    await bus.until_count("a", 2)
    assert bus.state_of("a")["total"] == 5
    [letter] = list_dead_letters("t", store=bus.store.reader)
    assert letter["number"] == 2


async def test_it_becomes_one_though_the_worker_is_killed_between_the_tries(bus):
    """The failures in a row are this message's, also for a worker that did not see them."""
    await bus.publish("t", "slow", {"add": 4})
    bus.schedule = replace(
        bus.schedule, tick_timeout_s=0.2, retry_wait_s=30.0, retry_wait_max_s=60.0, max_failures=9
    )
    bus.quicken()
    await bus.agent("a", on=["topic:t"], since="all", attempts=3)
    for tries in range(1, 4):
        await until_async(
            lambda tries=tries: bus.sessions.live["a"].failures == tries, "a try has failed"
        )
        await bus.stop()
        await bus.start(f"start-{tries + 1}")
    await bus.until_count("a", 1)
    assert bus.state_of("a")["total"] == 4
    [letter] = list_dead_letters("t", store=bus.store.reader)
    assert (letter["number"], letter["attempts"]) == (1, 3)


async def test_what_is_away_makes_no_dead_letter(bus):
    """The message waits for it."""
    CounterAgent.away = True
    await bus.publish("t", "away")
    await bus.agent("a", on=["topic:t"], since="all", attempts=1)
    await until_async(lambda: len(CounterAgent.given) > 3, "it was given again")
    CounterAgent.away = False
    await bus.until_count("a", 1)
    assert list_dead_letters(store=bus.store.reader) == []


async def test_a_dead_letter_is_replayed_to_its_subscriber_once(bus):
    """To nobody else; the letter says by whom, and a second replay is refused."""
    await bus.publish("t", "poison")
    await bus.agent("a", on=["topic:t"], since="all", attempts=1)
    await bus.agent("b", on=["topic:t"])
    await until_async(lambda: list_dead_letters(store=bus.store.reader), "a dead letter")
    [letter] = list_dead_letters(store=bus.store.reader)
    CounterAgent.poisonous = False
    got = await bus.do(q.dead_letter_replay, letter["letter_id"], "ann")
    assert got["outcome"] == "applied", got
    await bus.until_count("a", 1)
    assert bus.state_of("a")["used"] == ["t 1"]
    assert bus.state_of("b")["count"] == 0
    assert list_dead_letters(store=bus.store.reader) == []
    got = await bus.do(q.dead_letter_replay, letter["letter_id"], "bob")
    assert got["outcome"] == "rejected"
    assert "replayed by ann" in got["error"]


async def test_one_that_is_restored_reads_on_where_it_was(bus):
    """What was published while it was destroyed is not passed over."""
    await bus.agent("a", on=["topic:t"])
    await bus.publish("t", {"add": 1})
    await bus.until_count("a", 1)
    await bus.do(q.agent_destroy_action, "a", "ann")
    await bus.publish("t", {"add": 2})
    assert (await bus.do(q.agent_restore_action, "a", "ann"))["outcome"] == "applied"
    await bus.publish("t", {"add": 4})
    await bus.until_count("a", 3)
    assert bus.state_of("a")["total"] == 7


async def test_a_restart_goes_on_where_it_was(bus):
    """Cursors are in the snapshot, numbers on record; nothing is used twice, nothing lost."""
    await bus.publish("t", *[{"add": 1}] * 5)
    await bus.agent("a", on=["topic:t"], since="all", to="out")
    await bus.until_count("a", 5)
    await bus.stop()
    await bus.start("start-2")
    await bus.publish("t", *[{"add": 1}] * 5)
    await bus.until_count("a", 10)
    assert bus.state_of("a")["total"] == 10
    assert bus.said("out") == [{"from": number} for number in range(1, 11)]


async def test_a_paused_subscriber_uses_all_afterwards(bus):
    """Nothing is given to it meanwhile."""
    await bus.agent("a", on=["topic:t"])
    await bus.do(q.agent_pause_action, "a", "ann")
    await bus.publish("t", {"add": 1}, {"add": 2})
    assert bus.state_of("a")["count"] == 0
    await bus.do(q.agent_resume_action, "a", "ann")
    await bus.until_count("a", 2)


async def test_a_message_that_makes_the_state_too_large_becomes_a_dead_letter(bus):
    """It is the message's fault; what went well before it stays."""
    await bus.publish("t", {"add": 1}, {"keep": "x" * 60_000}, {"keep": "x" * 60_000}, {"add": 2})
    await bus.agent("a", on=["topic:t"], since="all", attempts=2)
    await bus.until_count("a", 3)
    assert bus.state_of("a")["total"] == 3
    [letter] = list_dead_letters("t", store=bus.store.reader)
    assert letter["number"] == 3
    assert "a snapshot holds" in letter["error"]


async def test_guidance_amid_messages_gives_them_again(bus):
    """At a safe point nothing of them is on disk: neither cursors nor what they have changed."""
    await bus.publish("t", {"add": 1}, "waits", {"add": 2})
    await bus.agent("a", on=["topic:t"], since="all")
    await until_async(lambda: len(CounterAgent.given) == 2, "it waits within the second")
    pause = await bus.ask(q.agent_pause_action, "a", "ann")
    assert (await bus.receipt(pause))["outcome"] == "applied"
    assert bus.state_of("a")["count"] == 0
    CounterAgent.poisonous = False
    await bus.do(q.agent_resume_action, "a", "ann")
    await bus.until_count("a", 3)
    assert [number for _, _, number in CounterAgent.given] == [1, 2, 1, 2, 3]


async def test_another_life_of_a_session_begins_with_what_is_new(bus):
    """Also in its mailbox: replays for the life before are not its own."""
    await bus.publish("t", "poison")
    await bus.agent("a", on=["topic:t"], since="all", attempts=1)
    await until_async(lambda: list_dead_letters(store=bus.store.reader), "a dead letter")
    [letter] = list_dead_letters(store=bus.store.reader)
    CounterAgent.poisonous = False
    await bus.do(q.dead_letter_replay, letter["letter_id"], "ann")
    await bus.until_count("a", 1)
    await bus.do(q.agent_destroy_action, "a", "ann")
    await bus.agent("a", on=["topic:t"])
    await bus.publish("t", {"add": 5})
    await bus.until_count("a", 1)
    assert bus.state_of("a")["used"] == ["t 2"]


async def test_what_does_not_fit_is_rejected(bus):
    """By the worker too, whoever has put it into the queue."""
    got = await bus.do(q.agent_create, "a", "ann", agent_type="counter", config={"on": ["prices"]})
    assert got["outcome"] == "rejected"
    assert "expected topic:" in got["error"]
    for payload in ({"topic": "a b", "message": 1}, {"topic": "a", "message": ""}):
        action = q.create_action("publish", "ann", **payload)
        got = await bus.receipt(await bus.ask(q.enqueue, action))
        assert got["outcome"] == "rejected", payload
    got = await bus.do(q.dead_letter_replay, "unknown", "ann")
    assert "there is no dead letter unknown" in got["error"]
