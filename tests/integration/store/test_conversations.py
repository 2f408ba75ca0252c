"""Conversations and their newest messages, flushed or not."""

import orjson

from store import messages
from store.conversations import list_conversations
from store.journal.file import Record
from store.messages import TABLE, last_messages, last_number, newest_messages
from store.participants import list_participants
from tests.integration.store.support import message
from tests.support.waiting import until_async


def conversation(conversation_id):
    row = {
        "conversation_id": conversation_id, "title": None, "created_by": "ann",
        "created_action": "act", "created_at": 1_700_000_000_000_000,
    }  # fmt: skip
    return Record("conversations", orjson.dumps(row))


async def test_conversations_come_by_id_in_pages(store):
    """In pages; a row that is journalled counts like one that is flushed."""
    await store.journal.append(*(conversation(f"c{n}") for n in range(3)))
    await until_async(lambda: store.journal.pending == 0)
    await store.journal.append(conversation("c3"))
    found = [row["conversation_id"] for row in list_conversations(store=store.reader)]
    assert found == ["c0", "c1", "c2", "c3"]
    page = list_conversations("c0", 2, store=store.reader)
    assert [row["conversation_id"] for row in page] == ["c1", "c2"]


async def test_the_newest_message_of_each_is_whole(store):
    """The whole row, of messages flushed and journalled; of all conversations or of some."""
    assert newest_messages(store=store.reader) == {}
    await store.journal.append(*(message("c0", n, "hi") for n in range(1, 6)))
    await until_async(lambda: store.journal.pending == 0)
    await store.journal.append(message("c0", 6, "hi"), message("c1", 1, "hi"))
    newest = newest_messages(store=store.reader)
    assert {name: row["number"] for name, row in newest.items()} == {"c0": 6, "c1": 1}
    assert newest["c0"]["created_at"].microsecond == 6
    assert newest["c0"].keys() == {column.name for column in TABLE.schema}
    assert newest_messages(["c1", "c9"], store=store.reader) == {"c1": newest["c1"]}
    await until_async(lambda: store.journal.pending == 0)
    assert newest_messages(store=store.reader) == newest
    assert newest_messages(["c0"], store=store.reader) == {"c0": newest["c0"]}


async def test_the_last_messages_come_oldest_first(store):
    """The newest, or the newest of those before one; oldest first, flushed and journalled."""

    def numbers(limit, before=None):
        rows = last_messages("c0", limit, before, store=store.reader)
        return [row["number"] for row in rows]

    assert numbers(5) == numbers(5, 3) == []
    await store.journal.append(*(message("c0", n, "hi") for n in range(1, 8)))
    await store.journal.append(*(message("c1", n, "hi") for n in range(1, 31)))
    for flushed_before in (False, True):
        assert last_number("c0", store=store.reader) == (9 if flushed_before else 7)
        await until_async(lambda: store.journal.pending == 0)
        await store.journal.append(*(message("c0", n, "hi") for n in (8, 9)))
        assert numbers(3) == [7, 8, 9]
        assert numbers(100) == list(range(1, 10))
        assert numbers(2, 9) == [7, 8]
        assert numbers(3, 5) == [2, 3, 4]
        assert numbers(2, 50) == [8, 9]
        assert numbers(5, 1) == []


async def test_the_last_of_a_large_conversation_are_found_without_the_others(store, monkeypatch):
    """Found without reading the others, beside conversations of any size; also where a message was
    written twice, as after a commit that failed halfway.
    """
    monkeypatch.setattr(messages, "_FEW", 5)
    monkeypatch.setattr(messages, "_RARE", 8)
    for name, numbers in {"a": [*range(1, 41), 39, 40], "b": range(1, 31), "c": [1, 1, 2]}.items():
        await store.journal.append(*(message(name, n, "hi") for n in numbers))
    await until_async(lambda: store.journal.pending == 0)
    for name, last in {"a": 40, "b": 30, "c": 2, "d": 0}.items():
        assert last_number(name, store=store.reader) == last
        for limit in (1, 3, 100):
            rows = last_messages(name, limit, store=store.reader)
            expected = list(range(max(1, last - limit + 1), last + 1))
            assert [(row["conversation_id"], row["number"]) for row in rows] == [
                (name, number) for number in expected
            ]
    monkeypatch.setattr(messages, "_TWICE", 1)  # more of them than is reckoned with
    assert last_number("a", store=store.reader) == 40
    assert [row["number"] for row in last_messages("a", 2, store=store.reader)] == [39, 40]


async def test_participants(store):
    """The newest row of each, those who left too; one that is elsewhere now is there alone."""

    def row(session_id, conversation_id, left_at=None):
        return Record("participants", orjson.dumps({
            "participant_id": session_id, "conversation_id": conversation_id,
            "agent_id": session_id, "session_id": session_id, "name": session_id,
            "joined_at": 1_700_000_000_000_000, "left_at": left_at,
        }))  # fmt: skip

    def there(conversation_id=None):
        rows = list_participants(conversation_id, store=store.reader)
        return {row["session_id"]: row["left_at"] is None for row in rows}

    assert there() == {}
    await store.journal.append(row("a", "c"), row("b", "c"), row("x", "d"))
    await until_async(lambda: store.journal.pending == 0)
    await store.journal.append(row("b", "c", 1_700_000_000_000_001))
    assert there("c") == {"a": True, "b": False}
    assert there() == {"a": True, "b": False, "x": True}
    await store.journal.append(row("a", "d"))
    assert (there("c"), there("d")) == ({"b": False}, {"a": True, "x": True})
    await until_async(lambda: store.journal.pending == 0)
    assert (there("c"), there("d")) == ({"b": False}, {"a": True, "x": True})
