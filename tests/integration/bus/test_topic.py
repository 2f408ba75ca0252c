"""A topic's numbers, while publishing fails, repeats itself and overlaps."""

import asyncio

import pytest

from reins.bus.backlog import BLOCK
from reins.bus.task_lock import TaskLock
from reins.bus.topic import Draft
from reins.bus.topics import Topics
from store.errors import JournalError
from store.messages import list_messages
from store.store import Store
from store.topics import list_topic_messages


@pytest.fixture
async def store(tmp_path):
    made = Store(tmp_path / "data", flush_s=0.2)
    await made.start()
    yield made
    await made.stop()


def numbers(store, topic="t"):
    return [row["number"] for row in list_topic_messages(topic, store=store.reader)]


def drafts(*ids, again=False):
    return [Draft("ann", each, message_id=each, again=again) for each in ids]


async def test_a_lock_is_taken_again_by_its_holder_alone():
    """Others wait until it is given back as often as it was taken."""
    lock, order = TaskLock(), []

    async def other():
        async with lock:
            order.append("other")

    async with lock:
        waiting = asyncio.create_task(other())
        async with lock:
            await asyncio.sleep(0)
            order.append("inner")
        await asyncio.sleep(0)
        order.append("outer")
    await waiting
    assert order == ["inner", "outer", "other"]


async def test_one_who_publishes_twice_at_once_has_two_numbers(store):
    """As a tick with several messages to one topic does; nobody comes between."""
    topics = Topics(store)
    topic = topics.get("t")
    async with topic.adding(drafts("one")) as first:
        late = asyncio.create_task(topics.add("t", drafts("late")))
        await asyncio.sleep(0.01)
        async with topic.adding(drafts("two")) as second:
            assert (first.numbers, second.numbers) == ([1], [2])
            assert list(second.all_numbers) == [1, 2]
            await store.journal.append(*first.records, *second.records)
    assert await late == [3]
    assert numbers(store) == [1, 2, 3]


async def test_a_commit_that_fails_gives_its_numbers_back(store):
    """The next message has them."""
    topics = Topics(store)
    await topics.add("t", drafts("one"))
    with pytest.raises(JournalError):
        async with topics.get("t").adding(drafts("two")):
            raise JournalError("the disk is full")
    assert await topics.add("t", drafts("three")) == [2]
    assert numbers(store) == [1, 2]


async def test_a_message_that_is_there_keeps_its_number(store):
    """However often it is published again, also by a worker that knows nothing of it."""
    await Topics(store).add("t", drafts("one", "two"))
    topics = Topics(store)
    assert await topics.add("t", drafts("two", "three", "three", again=True)) == [2, 3, 3]
    assert numbers(store) == [1, 2, 3]


async def test_messages_are_read_from_memory_and_from_the_store(store):
    """From any number on, as many as asked for."""
    topics = Topics(store)
    await topics.add("t", [Draft("ann", number) for number in range(1, 31)])
    for reading in (topics, Topics(store)):
        await reading.load()
        topic = reading.get("t")
        found = await topic.after(10, 5)
        assert [(each.number, each.message) for each in found] == [(n, n) for n in range(11, 16)]
        assert await topic.after(30, 5) == ()


async def test_what_is_read_back_is_read_once_for_all(store, monkeypatch):
    """Many readers of one block are one query; the end of a block that grew is read anew."""
    await Topics(store).add("t", [Draft("ann", number) for number in range(1, BLOCK + 11)])
    asked, read = [], list_messages

    def counted(conversation_id, after, limit, **given):
        asked.append(after)
        return read(conversation_id, after, limit, **given)

    monkeypatch.setattr("store.messages.list_messages", counted)
    topics = Topics(store)
    await topics.load()
    topic = topics.get("t")
    found = await asyncio.gather(*(topic.after(BLOCK - 5, 20) for _ in range(50)))
    assert [[each.number for each in one] for one in found] == [[*range(BLOCK - 4, BLOCK + 1)]] * 50
    assert [each.number for each in await topic.after(BLOCK, 20)] == [*range(BLOCK + 1, BLOCK + 11)]
    assert asked == [0, BLOCK]
    await topics.add("t", [Draft("ann", "more")])
    assert [each.message for each in await topic.after(BLOCK + 9, 20)] == [BLOCK + 10, "more"]
    assert [each.message for each in await topic.after(BLOCK + 10, 20)] == ["more"]
    assert asked == [0, BLOCK, BLOCK]


async def test_publishing_nothing_makes_no_topic(store):
    """Where what is published is told by others, it may be nothing."""
    topics = Topics(store)
    assert await topics.add("t", []) == []
    assert not topics.get("t").is_there
    assert numbers(store) == []


async def test_publishing_waits_for_a_store_that_cannot(store, monkeypatch):
    """It is done again, once, and in order."""
    monkeypatch.setattr("reins.bus.topics._RETRY_S", 0.01)
    topics, failures, append = Topics(store), [1, 2], store.journal.append

    async def failing(*records):
        await append(*records)
        if failures:
            failures.pop()
            raise JournalError("committed, and not known to be")

    monkeypatch.setattr(store.journal, "append", failing)
    got = [topics.publish("t", draft) for draft in drafts("one", "two", "three")]
    assert await asyncio.gather(*got) == [1, 2, 3]
    assert numbers(store) == [1, 2, 3]
    await topics.stop()
