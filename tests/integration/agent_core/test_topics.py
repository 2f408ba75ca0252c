"""Topics: published by actions and by ticks, used once by each who subscribes."""

import asyncio
import json

import pytest

import queue_imp as q
import reins.bus.acting  # noqa: F401 - hands its handlers in
from agent_core.agent.services import Services
from reins.bus.topics import Topics
from store.dead_letters import list_dead_letters
from store.topics import list_topic_messages, message_of
from tests.integration.agent_core.conftest import Fleet
from tests.support import data_folder
from tests.support.topic_agents import CounterAgent
from tests.support.waiting import until_async


class Bus(Fleet):
    def __init__(self, folder):
        super().__init__(folder, modules=("tests.support.topic_agents",))

    def make_parts(self, store):
        self.topics = Topics(store)
        self.services = Services(self.topics)

    async def stop(self, grace_s=2.0):
        await self.topics.stop()
        await super().stop(grace_s)

    async def agent(self, agent_id, agent_type="counter", **config):
        got = await self.do(q.agent_create, agent_id, "ann", agent_type=agent_type, config=config)
        assert got["outcome"] == "applied", got

    async def publish(self, topic, *messages):
        got = [await self.ask(q.publish, topic, "ann", message) for message in messages]
        return [await self.receipt(each) for each in got]

    def state_of(self, session_id):
        return json.loads(self.state(session_id)["context"])

    async def until_count(self, session_id, count):
        await until_async(
            lambda: self.state_of(session_id)["count"] == count, f"{session_id} has used {count}"
        )

    def said(self, topic):
        return [message_of(row) for row in list_topic_messages(topic, store=self.store.reader)]


@pytest.fixture
async def fleet(data):
    CounterAgent.given.clear()
    CounterAgent.poisonous, CounterAgent.away = True, False
    made = Bus(data)
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, data)


async def test_a_published_message_has_a_number(fleet):
    """The receipt says which; texts and JSON come back as they were published."""
    got = await fleet.publish("prices", "a text", {"a": [1, None]}, 7)
    assert [(each["outcome"], each["applied_seq"]) for each in got] == [
        ("applied", 1), ("applied", 2), ("applied", 3),
    ]  # fmt: skip
    assert fleet.said("prices") == ["a text", {"a": [1, None]}, 7]


async def test_many_actions_share_commits_and_keep_their_order(fleet):
    """All that come together have numbers without gaps, in the queue's order."""
    ids = [await fleet.ask(q.publish, "t", "ann", number) for number in range(60)]
    got = [await fleet.receipt(each) for each in ids]
    assert [each["applied_seq"] for each in got] == list(range(1, 61))
    assert fleet.said("t") == list(range(60))


async def test_a_topic_is_no_conversation(fleet):
    """Nobody speaks in one: its numbers are given by whoever publishes."""
    await fleet.publish("prices", 1)
    got = await fleet.do(q.post_message, "topic:prices", "ann", "hello")
    assert got["outcome"] == "rejected"
    assert "is a topic" in got["error"]
    got = await fleet.do(q.conversation_create, "topic:other", "ann")
    assert got["outcome"] == "rejected"


async def test_a_tick_publishes_what_it_says(fleet):
    """Several messages of one tick to one topic; the tick's row has their numbers."""
    await fleet.agent("t", "ticker", many=3, most=4)
    await fleet.until_row("final", "t")
    assert len(fleet.said("ticks")) == 12
    rows = [row for row in fleet.log("t") if row["kind"] == "tick"]
    numbers = [json.loads(row["payload"])["topic:ticks"] for row in rows]
    assert numbers == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]


async def test_a_key_is_published_once(fleet):
    """By any tick, of any session."""
    await fleet.agent("t", "ticker", many=2, most=3, key="k")
    await fleet.agent("u", "ticker", many=2, most=3, key="k")
    await fleet.until_row("final", "t")
    await fleet.until_row("final", "u")
    assert fleet.said("ticks") == [{"tick": 1, "part": 0}]


async def test_a_subscriber_uses_what_is_published(fleet):
    """By its name and by patterns, also of topics that come later; the newest only, or all."""
    await fleet.publish("orders.eu", {"add": 1})
    await fleet.agent("new", on=["topic:orders.*"])
    await fleet.agent("all", on=["topic:orders.**"], since="all")
    await fleet.publish("orders.eu", {"add": 10})
    await fleet.publish("orders.us", {"add": 100})
    await fleet.publish("orders.us.ny", {"add": 1000})
    await fleet.publish("prices", {"add": 10000})
    await fleet.until_count("new", 2)
    await fleet.until_count("all", 4)
    assert fleet.state_of("new")["total"] == 110
    assert fleet.state_of("all")["total"] == 1111


async def test_several_messages_are_one_tick(fleet):
    """What has gathered is used together, up to the batch."""
    await fleet.publish("t", *[{"add": 1}] * 30)
    await fleet.agent("a", on=["topic:t"], since="all", batch=20)
    await fleet.until_count("a", 30)
    rows = [row for row in fleet.log("a") if row["kind"] == "tick"]
    used = [json.loads(row["payload"])["used"]["t"] for row in rows]
    assert used == [list(range(1, 21)), list(range(21, 31))]


async def test_poison_becomes_a_dead_letter_alone(fleet):
    """What went well before it is committed, it is tried as often as configured, and the rest
    follows; its cursor and its row are one commit.
    """
    await fleet.publish("t", {"add": 1}, {"add": 2}, "poison", {"add": 4})
    await fleet.agent("a", on=["topic:t"], since="all", attempts=3)
    await fleet.until_count("a", 3)
    state = fleet.state_of("a")
    assert (state["total"], state["cursors"]["t"], state["bad"]) == (7, 4, None)
    assert [number for _, _, number in CounterAgent.given] == [1, 2, 3, 3, 3, 4]
    [letter] = list_dead_letters("t", store=fleet.store.reader)
    assert (letter["number"], letter["attempts"], letter["session_id"]) == (3, 3, "a")
    assert "it is poison" in letter["error"]


async def test_a_message_that_takes_too_long_becomes_one_too(fleet):
    """Ticks that come to no end over it count."""
    fleet.quicken(tick_timeout_s=0.2)
    await fleet.publish("t", {"add": 1}, "slow", {"add": 4})
    await fleet.agent("a", on=["topic:t"], since="all", attempts=2)
    await fleet.until_count("a", 2)
    assert fleet.state_of("a")["total"] == 5
    [letter] = list_dead_letters("t", store=fleet.store.reader)
    assert letter["number"] == 2


async def test_what_is_away_makes_no_dead_letter(fleet):
    """The message waits for it."""
    CounterAgent.away = True
    await fleet.publish("t", "away")
    await fleet.agent("a", on=["topic:t"], since="all", attempts=1)
    await until_async(lambda: len(CounterAgent.given) > 3, "it was given again")
    CounterAgent.away = False
    await fleet.until_count("a", 1)
    assert list_dead_letters(store=fleet.store.reader) == []


async def test_a_dead_letter_is_replayed_to_its_subscriber_once(fleet):
    """To nobody else; the letter says by whom, and a second replay is refused."""
    await fleet.publish("t", "poison")
    await fleet.agent("a", on=["topic:t"], since="all", attempts=1)
    await fleet.agent("b", on=["topic:t"])
    await until_async(lambda: list_dead_letters(store=fleet.store.reader), "a dead letter")
    [letter] = list_dead_letters(store=fleet.store.reader)
    CounterAgent.poisonous = False
    got = await fleet.do(q.dead_letter_replay, letter["letter_id"], "ann")
    assert got["outcome"] == "applied", got
    await fleet.until_count("a", 1)
    assert fleet.state_of("a")["used"] == ["t 1"]
    assert fleet.state_of("b")["count"] == 0
    assert list_dead_letters(store=fleet.store.reader) == []
    got = await fleet.do(q.dead_letter_replay, letter["letter_id"], "bob")
    assert got["outcome"] == "rejected"
    assert "replayed by ann" in got["error"]


async def test_a_restart_goes_on_where_it_was(fleet):
    """Cursors are in the snapshot, numbers on record; nothing is used twice, nothing lost."""
    await fleet.publish("t", *[{"add": 1}] * 5)
    await fleet.agent("a", on=["topic:t"], since="all", to="out")
    await fleet.until_count("a", 5)
    await fleet.stop()
    await fleet.start("start-2")
    await fleet.publish("t", *[{"add": 1}] * 5)
    await fleet.until_count("a", 10)
    assert fleet.state_of("a")["total"] == 10
    assert fleet.said("out") == [{"from": number} for number in range(1, 11)]


async def test_a_paused_subscriber_uses_all_afterwards(fleet):
    """Nothing is given to it meanwhile."""
    await fleet.agent("a", on=["topic:t"])
    await fleet.do(q.agent_pause_action, "a", "ann")
    await fleet.publish("t", {"add": 1}, {"add": 2})
    assert fleet.state_of("a")["count"] == 0
    await fleet.do(q.agent_resume_action, "a", "ann")
    await fleet.until_count("a", 2)
