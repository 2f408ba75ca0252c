"""A branch: a new conversation that begins with the messages of another."""

import uuid
from collections.abc import Iterable
from typing import Any

import orjson

from store.journal.file import Record
from store.messages import COPIED_FROM
from store.times import to_us

MOST_COPIED = 5_000
"""Messages of one branch: they are written as one, and the loop waits for it."""
_SAME = ("number", "author", "agent_id", "session_id", "text")
_NAMESPACE = uuid.UUID("6f0b9df5-3f7a-4d5e-9c2f-0f2f7c0d8a11")


def copies(rows: Iterable[dict[str, Any]], conversation_id: str) -> list[Record]:
    """The same messages as records of another conversation: number, author, text, time and who
    wrote them stay. `metadata` names the message that each was copied from.
    """
    return [_copy(row, conversation_id) for row in rows]


def _copy(row: dict[str, Any], conversation_id: str) -> Record:
    same = f"{conversation_id}\n{row['message_id']}"
    metadata = {**orjson.loads(row["metadata"] or "{}"), COPIED_FROM: row["message_id"]}
    copy = {name: row[name] for name in _SAME} | {
        "message_id": f"msg_{uuid.uuid5(_NAMESPACE, same).hex}",
        "conversation_id": conversation_id,
        "metadata": orjson.dumps(metadata).decode(),
        "created_at": to_us(row["created_at"]),
    }
    return Record("messages", orjson.dumps(copy), conversation_id)
