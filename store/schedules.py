"""Schedules: what is published when, and how far each has come."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from store.journal.file import Record
from store.journal.rows import own_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table
from store.reading import Reader, reader

TABLE = Table(
    "schedules",
    pa.schema(
        [
            ("schedule_id", TEXT),
            ("topic", TEXT),
            ("agent_id", TEXT),
            ("session_id", TEXT),
            ("when", TEXT),
            ("zone", TEXT),
            ("catch_up", TEXT),
            ("message", TEXT),
            ("paused_by", TEXT),
            ("last_at", STAMP),
            ("next_at", STAMP),
            ("settled_at", STAMP),
            ("newest_due", STAMP),
            ("set_at", STAMP),
            ("created_by", TEXT),
            ("created_at", STAMP),
            ("changed_action", TEXT),
            ("removed_by", TEXT),
            JOURNAL_N,
        ]
    ),
    key="schedule_id",
    indices={"schedule_id": "BTREE"},
)
TIMES = ("last_at", "next_at", "settled_at", "newest_due", "set_at", "created_at")


def record(row: Mapping[str, Any]) -> Record:
    """The journal's record of a schedule; `message` is JSON, times are microseconds since 1970."""
    return own_record(TABLE, row)


def list_schedules(*, removed: bool = False, store: Reader | None = None) -> list[dict[str, Any]]:
    """The schedules, by id; those that were removed only where they are asked for."""
    found = [
        row for row in (store or reader()).newest(TABLE) if removed or row["removed_by"] is None
    ]
    return sorted(found, key=lambda row: str(row["schedule_id"]))


def get_schedule(schedule_id: str, *, store: Reader | None = None) -> dict[str, Any] | None:
    """The newest row of a schedule; None if there is none, or it was removed."""
    rows = list_schedules(store=store)
    return next((row for row in rows if row["schedule_id"] == schedule_id), None)
