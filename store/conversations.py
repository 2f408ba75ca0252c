"""Conversations that people and agents take part in."""

from typing import Any

import pyarrow as pa

from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

TABLE = Table(
    "conversations",
    pa.schema(
        [
            ("conversation_id", TEXT),
            ("title", TEXT),
            ("created_by", TEXT),
            ("created_action", TEXT),
            ("created_at", STAMP),
            JOURNAL_N,
        ]
    ),
    key="conversation_id",
    indices={"conversation_id": "BTREE"},
)


def get_conversation(conversation_id: str, *, store: Reader | None = None) -> dict[str, Any] | None:
    """The conversation's row; None if nobody created it."""
    rows = (store or reader()).joined(
        TABLE,
        {"conversation_id": conversation_id},
        f"conversation_id = {quoted(conversation_id)}",
    )
    return rows[-1] if rows else None


def list_conversations(
    after: str = "", limit: int = 1_000, *, store: Reader | None = None
) -> list[dict[str, Any]]:
    """The conversations with an id above `after`, by id, `limit` at the most."""
    rows = (store or reader()).newest(TABLE)
    found = {row["conversation_id"]: row for row in rows if row["conversation_id"] > after}
    return [found[conversation_id] for conversation_id in sorted(found)[:limit]]
