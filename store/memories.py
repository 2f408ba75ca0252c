"""Memories of sessions: each row puts, forgets or restores the value of a key."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from store.id_forms import in_either_form
from store.journal.file import Record
from store.journal.rows import own_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

TABLE = Table(
    "memories",
    pa.schema(
        [
            ("memory_id", TEXT),
            ("kind", TEXT),
            ("session_id", TEXT),
            ("agent_id", TEXT),
            ("life", STAMP),
            ("scope", TEXT),
            ("key", TEXT),
            ("version", pa.int64()),
            ("value", TEXT),
            ("source", TEXT),
            ("at", STAMP),
            ("expires_at", STAMP),
            ("restores", pa.int64()),
            ("seq", pa.int64()),
            ("call_id", TEXT),
            ("message_id", TEXT),
            ("document", TEXT),
            ("actor", TEXT),
            JOURNAL_N,
        ]
    ),
    key=None,
    read_by="session_id",
    indices={"session_id": "BTREE", "agent_id": "BTREE", "scope": "BITMAP"},
)


def record(row: Mapping[str, Any]) -> Record:
    """The journal's record of a row; times are microseconds since 1970."""
    return own_record(TABLE, row)


def list_memories(
    session_id: str | None = None,
    *,
    agent_id: str | None = None,
    scope: str | None = None,
    key: str | None = None,
    after: int = 0,
    limit: int | None = None,
    store: Reader | None = None,
) -> list[dict[str, Any]]:
    """The versions of memories that fit, as they were written, after `journal_n` `after`."""

    def read(session_id: str | None) -> list[dict[str, Any]]:
        asked = {"session_id": session_id, "agent_id": agent_id, "scope": scope, "key": key}
        match = {name: value for name, value in asked.items() if value is not None}
        where = " AND ".join(f"{name} = {quoted(value)}" for name, value in match.items())
        return (store or reader()).joined(TABLE, match, where or None)

    rows = read(None) if session_id is None else in_either_form(session_id, read)
    return [row for row in rows if row["journal_n"] > after][:limit]
