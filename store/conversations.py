"""Conversations that people and agents take part in."""

from typing import Any

import pyarrow as pa

from store.id_forms import id_on_record, in_either_form
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

MAX_CEILING = 1_000
"""The highest ceiling of agents' messages without a person's."""
TABLE = Table(
    "conversations",
    pa.schema(
        [
            ("conversation_id", TEXT),
            ("title", TEXT),
            ("created_by", TEXT),
            ("created_action", TEXT),
            ("created_at", STAMP),
            ("pace", TEXT),
            ("ceiling", pa.int64()),
            ("paused_by", TEXT),
            ("ended_by", TEXT),
            ("counted_from", pa.int64()),
            ("changed_action", TEXT),
            JOURNAL_N,
        ]
    ),
    key="conversation_id",
    indices={"conversation_id": "BTREE"},
)


def get_conversation(conversation_id: str, *, store: Reader | None = None) -> dict[str, Any] | None:
    """The conversation's row; None if nobody created it."""

    def read(conversation_id: str) -> list[dict[str, Any]]:
        own = {"conversation_id": conversation_id}
        where = f"conversation_id = {quoted(conversation_id)}"
        return (store or reader()).joined(TABLE, own, where)

    rows = in_either_form(conversation_id, read)
    return rows[-1] if rows else None


def list_conversations(
    after: str = "", limit: int = 1_000, *, store: Reader | None = None
) -> list[dict[str, Any]]:
    """The conversations with an id above `after`, by id, `limit` at the most; topics are none."""
    rows = (store or reader()).newest(TABLE)
    found = {
        row["conversation_id"]: row
        for row in rows
        if row["conversation_id"] > after and not row["conversation_id"].startswith("topic:")
    }
    return [found[conversation_id] for conversation_id in sorted(found)[:limit]]


def as_stored(conversation_id: str, *, store: Reader | None = None) -> str:
    """The id as it is on record, given in any form of Unicode; in normal form C if it is not."""
    return id_on_record(
        conversation_id, "conversation_id", lambda each: get_conversation(each, store=store)
    )


def list_ids(*, store: Reader | None = None) -> list[str]:
    """The ids of all conversations, in no order."""
    return [row["conversation_id"] for row in (store or reader()).newest(TABLE)]
