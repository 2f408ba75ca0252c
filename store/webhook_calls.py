"""Calls of people over webhooks, each with what became of it: one for each episode of a cause."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from store.journal.file import Record
from store.journal.rows import own_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table
from store.reading import Reader, reader

TABLE = Table(
    "webhook_calls",
    pa.schema(
        [
            ("call_id", TEXT),
            ("webhook", TEXT),
            ("kind", TEXT),
            ("cause", TEXT),
            ("text", TEXT),
            ("sessions", pa.int64()),
            ("body", TEXT),
            ("called_at", STAMP),
            ("over_at", STAMP),
            ("state", TEXT),
            ("attempts", pa.int64()),
            ("attempted_at", STAMP),
            ("status", pa.int64()),
            ("error", TEXT),
            JOURNAL_N,
        ]
    ),
    key="call_id",
    retained_by="called_at",
    retained_days=30.0,
)
WAITING, DELIVERED, GIVEN_UP, DROPPED = STATES = ("waiting", "delivered", "given_up", "dropped")


def record(row: Mapping[str, Any]) -> Record:
    """The journal's record of a call; times are microseconds since 1970."""
    return own_record(TABLE, row)


def list_webhook_calls(limit: int = 100, *, store: Reader | None = None) -> list[dict[str, Any]]:
    """The newest rows of the newest calls, the newest call first."""
    found = sorted(
        (store or reader()).newest(TABLE), key=lambda row: (row["called_at"], row["call_id"])
    )
    return found[::-1][:limit]
