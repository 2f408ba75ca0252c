"""Participants of conversations."""

from typing import Any

import pyarrow as pa

from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

TABLE = Table(
    "participants",
    pa.schema(
        [
            ("participant_id", TEXT),
            ("conversation_id", TEXT),
            ("agent_id", TEXT),
            ("session_id", TEXT),
            ("name", TEXT),
            ("joined_at", STAMP),
            ("left_at", STAMP),
            JOURNAL_N,
        ]
    ),
    key="participant_id",
    indices={"conversation_id": "BTREE"},
)


def list_participants(
    conversation_id: str | None = None, *, store: Reader | None = None
) -> list[dict[str, Any]]:
    """The newest row of each participant of a conversation, or of all, in the order of joining;
    also of those who have left.
    """
    reading = store or reader()
    # All that are journalled: one of them may have taken its participant to another conversation.
    pending = reading.journalled(TABLE, newest=True)
    where = None if conversation_id is None else f"conversation_id = {quoted(conversation_id)}"
    newest: dict[str, dict[str, Any]] = {}
    for row in (*reading.stored(TABLE, where).to_pylist(), *pending):
        known = newest.get(row["participant_id"])
        if known is None or (known["journal_n"] or 0) < (row["journal_n"] or 0):
            newest[row["participant_id"]] = row
    found = [
        row
        for row in newest.values()
        if conversation_id is None or row["conversation_id"] == conversation_id
    ]
    return sorted(found, key=lambda row: (str(row["joined_at"]), row["participant_id"]))
