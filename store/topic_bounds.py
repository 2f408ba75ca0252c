"""The bounds of topics that people have set; a topic without a row has those of the settings."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from store.journal.file import Record
from store.journal.rows import own_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

TABLE = Table(
    "topic_bounds",
    pa.schema(
        [
            ("topic", TEXT),
            ("max_unread", pa.int64()),
            ("max_age_s", pa.float64()),
            ("when_full", TEXT),
            ("set_by", TEXT),
            ("set_at", STAMP),
            ("set_action", TEXT),
            JOURNAL_N,
        ]
    ),
    key="topic",
    indices={"topic": "BTREE"},
)


def record(row: Mapping[str, Any]) -> Record:
    """The journal's record of a topic's bounds; its time is microseconds since 1970."""
    return own_record(TABLE, row)


def get_topic_bounds(topic: str, *, store: Reader | None = None) -> dict[str, Any] | None:
    """The bounds that were set for a topic; None if it has those of the settings."""
    rows = (store or reader()).joined(TABLE, {"topic": topic}, f"topic = {quoted(topic)}")
    return rows[-1] if rows else None


def list_topic_bounds(*, store: Reader | None = None) -> list[dict[str, Any]]:
    """All bounds that were set, by topic."""
    return sorted((store or reader()).newest(TABLE), key=lambda row: str(row["topic"]))
