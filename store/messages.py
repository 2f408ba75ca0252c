"""The transcript of each conversation, numbered from 1 without gaps."""

from typing import Any

import pyarrow as pa

from store.reading import Reader, reader
from store.tables import JOURNAL_N, STAMP, TEXT, Table, quoted

TABLE = Table(
    "messages",
    pa.schema(
        [
            ("message_id", TEXT),
            ("conversation_id", TEXT),
            ("number", pa.int64()),
            ("author", TEXT),
            ("agent_id", TEXT),
            ("text", TEXT),
            ("created_at", STAMP),
            JOURNAL_N,
        ]
    ),
    key=None,
    indices={"conversation_id": "BTREE", "message_id": "BTREE"},
)


def list_messages(
    conversation_id: str, after: int = 0, limit: int = 1_000, *, store: Reader | None = None
) -> list[dict[str, Any]]:
    """The messages with a number above `after`, oldest first, `limit` at the most."""
    rows = (store or reader()).joined(
        TABLE,
        {"conversation_id": conversation_id},
        f"conversation_id = {quoted(conversation_id)} AND number > {int(after)} "
        f"AND number <= {int(after) + int(limit)}",
    )
    by_number = {row["number"]: row for row in reversed(rows) if row["number"] > after}
    return [by_number[number] for number in sorted(by_number)[:limit]]


def last_number(conversation_id: str, *, store: Reader | None = None) -> int:
    """The number of the newest message; 0 if there is none."""
    rows = (store or reader()).joined(
        TABLE,
        {"conversation_id": conversation_id},
        f"conversation_id = {quoted(conversation_id)}",
    )
    return max((row["number"] for row in rows), default=0)


def get_message(message_id: str, *, store: Reader | None = None) -> dict[str, Any] | None:
    """The message with this id; None if there is none."""
    rows = (store or reader()).joined(
        TABLE, {"message_id": message_id}, f"message_id = {quoted(message_id)}"
    )
    return rows[0] if rows else None


def newest_messages(*, store: Reader | None = None) -> dict[str, dict[str, Any]]:
    """Number and time of the newest message of each conversation, by `conversation_id`.

    Numbers have no gaps: the newest one's is how many there are.
    """
    reading = store or reader()
    names = ["conversation_id", "number", "created_at"]
    pending = reading.journalled(TABLE)
    newest: dict[str, dict[str, Any]] = {}
    for row in (*_highest(reading.stored(TABLE, None, names)), *pending):
        known = newest.get(row["conversation_id"])
        if known is None or known["number"] < row["number"]:
            newest[row["conversation_id"]] = {name: row[name] for name in names}
    return newest


def _highest(rows: pa.Table) -> list[dict[str, Any]]:
    """The highest number of each conversation, and the newest time."""
    found: list[dict[str, Any]] = (
        rows.group_by("conversation_id")
        .aggregate([("number", "max"), ("created_at", "max")])
        .rename_columns(["conversation_id", "number", "created_at"])
        .to_pylist()
    )
    return found
