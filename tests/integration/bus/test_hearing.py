"""Any type with `on` in its configuration: a message is guidance by whoever has published it."""

import json

import queue_imp as q
from reins.bus.subscribers import list_subscribers
from store.dead_letters import list_dead_letters
from tests.support.waiting import until_async


async def listener(bus, name="a", **config):
    await bus.agent(name, "listener", on=["topic:news.*"], **config)


def guided(bus, name="a"):
    return [row for row in bus.log(name) if row["kind"] == "guidance"]


async def until_guided(bus, count, name="a"):
    await until_async(lambda: len(guided(bus, name)) == count, f"{count} are taken in")


async def test_a_message_is_guidance_of_its_publisher(bus):
    """A text as it is, an object by the type's guidance if it fits, else in words."""
    await listener(bus)
    await bus.publish("news.a", "dogs", {"word": "cats"}, {"other": 1}, [1, 2])
    await until_guided(bus, 4)
    rows = [json.loads(row["payload"]) for row in guided(bus)]
    assert [row["guidance"] for row in rows] == [
        "dogs", {"word": "cats"}, 'ann says in news.a: {"other":1}', "ann says in news.a: [1,2]",
    ]  # fmt: skip
    assert {row["actor"] for row in rows} == {"ann"}
    assert [row["message"]["number"] for row in rows] == [1, 2, 3, 4]
    assert bus.state_of("a")["words"][:2] == ["dogs", "cats"]
    [found] = list_subscribers("news.a", store=bus.store.reader)
    assert (found.session_id, found.cursor, found.lag) == ("a", 4, 0)


async def test_what_a_tick_publishes_is_heard_too(bus):
    """Its author is the session that has said it."""
    await listener(bus)
    await bus.agent("t", "ticker", to="news.ticks", most=3)
    await until_guided(bus, 3)
    assert {json.loads(row["payload"])["actor"] for row in guided(bus)} == {"t"}


async def test_each_is_taken_in_once_over_a_restart(bus):
    """The cursor is in the snapshot of the row that takes it in; a paused one waits."""
    await bus.publish("news.a", "one")
    await listener(bus, since="all")
    await until_guided(bus, 1)
    await bus.do(q.agent_pause_action, "a", "ann")
    await bus.publish("news.a", "two")
    await bus.stop()
    await bus.start()
    await bus.publish("news.b", "three")
    assert len(guided(bus)) == 1
    await bus.do(q.agent_resume_action, "a", "ann")
    await until_guided(bus, 3)
    assert bus.state_of("a")["words"] == ["one", "two", "three"]


async def test_one_that_is_refused_is_a_dead_letter_and_can_be_replayed(bus):
    """With the reason, in the commit that moves the cursor; the next one follows."""
    await listener(bus)
    await bus.publish("news.a", "bad word", "good")
    await until_guided(bus, 1)
    [letter] = list_dead_letters("news.a", store=bus.store.reader)
    assert (letter["number"], letter["session_id"]) == (1, "a")
    assert "it is bad" in letter["error"]
    await bus.do(q.agent_interrupt, "a", "ann", "allow bad")
    got = await bus.do(q.dead_letter_replay, letter["letter_id"], "ann")
    assert got["outcome"] == "applied"
    await until_async(lambda: "bad word" in bus.state_of("a")["words"], "it is taken in")


async def test_what_fails_otherwise_is_tried_again(bus):
    """And given up after a few attempts, on record."""
    await listener(bus)
    await bus.publish("news.a", "broken", "good")
    await until_guided(bus, 1)
    [letter] = list_dead_letters("news.a", store=bus.store.reader)
    assert letter["attempts"] == 3
    assert "it broke" in letter["error"]


async def test_nobody_sets_a_budget_by_a_message(bus):
    """What every type takes from people is words here."""
    await listener(bus)
    await bus.publish("news.a", {"type": "set_budget", "scope": "session", "ticks": 1})
    await bus.publish("news.a", '{"type": "set_budget", "scope": "session", "ticks": 1}')
    await until_guided(bus, 2)
    assert all(word.startswith("ann says in news.a: ") for word in bus.state_of("a")["words"])


async def test_one_that_is_restored_reads_on_where_it_was(bus):
    """What was published while it was destroyed is not passed over."""
    await listener(bus)
    await bus.do(q.agent_destroy_action, "a", "ann")
    await bus.publish("news.a", "meanwhile")
    assert (await bus.do(q.agent_restore_action, "a", "ann"))["outcome"] == "applied"
    await until_guided(bus, 1)


async def test_one_that_listens_to_nothing_pays_nothing(bus):
    """No place from which it reads is in its snapshot."""
    await bus.agent("b", "listener")
    assert "reading" not in json.loads(bus.state("b")["snapshot"])
    assert bus.sessions.live["b"].reading is None
