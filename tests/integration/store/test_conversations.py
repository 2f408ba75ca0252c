"""Conversations and their newest messages, flushed or not."""

import orjson

from store.conversations import list_conversations
from store.journal_file import Record
from store.messages import newest_messages
from tests.integration.store.support import message
from tests.waiting import until_async


def conversation(conversation_id):
    row = {
        "conversation_id": conversation_id, "title": None, "created_by": "ann",
        "created_action": "act", "created_at": 1_700_000_000_000_000,
    }  # fmt: skip
    return Record("conversations", orjson.dumps(row))


async def test_by_id_from_after_one(store):
    """In pages; a row that is journalled counts like one that is flushed."""
    await store.journal.append(*(conversation(f"c{n}") for n in range(3)))
    await until_async(lambda: store.journal.pending == 0)
    await store.journal.append(conversation("c3"))
    found = [row["conversation_id"] for row in list_conversations(store=store.reader)]
    assert found == ["c0", "c1", "c2", "c3"]
    page = list_conversations("c0", 2, store=store.reader)
    assert [row["conversation_id"] for row in page] == ["c1", "c2"]


async def test_the_newest_message_of_each(store):
    """Number and time, of messages flushed and journalled."""
    assert newest_messages(store=store.reader) == {}
    await store.journal.append(*(message("c0", n, "hi") for n in range(1, 6)))
    await until_async(lambda: store.journal.pending == 0)
    await store.journal.append(message("c0", 6, "hi"), message("c1", 1, "hi"))
    newest = newest_messages(store=store.reader)
    assert {name: row["number"] for name, row in newest.items()} == {"c0": 6, "c1": 1}
    assert newest["c0"]["created_at"].microsecond == 6
