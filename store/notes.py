"""Remarks of people, each pinned to a row of a session's log."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from store.id_forms import in_either_form
from store.journal.file import Record
from store.journal.rows import own_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

TABLE = Table(
    "notes",
    pa.schema(
        [
            ("note_id", TEXT),
            ("session_id", TEXT),
            ("agent_id", TEXT),
            ("seq", pa.int64()),
            ("author", TEXT),
            ("text", TEXT),
            ("created_at", STAMP),
            JOURNAL_N,
        ]
    ),
    key="note_id",
    indices={"note_id": "BTREE", "session_id": "BTREE"},
)


def record(row: Mapping[str, Any]) -> Record:
    """The journal's record of a note; its time is microseconds since 1970."""
    return own_record(TABLE, row)


def list_notes(
    session_id: str, after: int = 0, limit: int | None = None, *, store: Reader | None = None
) -> list[dict[str, Any]]:
    """The notes of a session that were written after the note with `journal_n` `after`, in that
    order.
    """

    def read(session_id: str) -> list[dict[str, Any]]:
        where = f"session_id = {quoted(session_id)}"
        return (store or reader()).joined(TABLE, {"session_id": session_id}, where)

    # One that was written again after a crash stays where it was first.
    first = {row["note_id"]: row for row in reversed(in_either_form(session_id, read))}
    return [row for row in reversed(first.values()) if row["journal_n"] > after][:limit]
