"""Dead letters: messages of topics that a subscriber could not use, and what became of them."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from store.journal.file import Record
from store.journal.rows import own_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

TABLE = Table(
    "dead_letters",
    pa.schema(
        [
            ("letter_id", TEXT),
            ("topic", TEXT),
            ("number", pa.int64()),
            ("message_id", TEXT),
            ("agent_id", TEXT),
            ("session_id", TEXT),
            ("attempts", pa.int64()),
            ("error", TEXT),
            ("buried_at", STAMP),
            ("replayed_by", TEXT),
            ("replayed_at", STAMP),
            ("replayed_action", TEXT),
            JOURNAL_N,
        ]
    ),
    key="letter_id",
    indices={"letter_id": "BTREE", "topic": "BTREE"},
)


def record(row: Mapping[str, Any]) -> Record:
    """The journal's record of a dead letter; times are microseconds since 1970."""
    return own_record(TABLE, {k: row[k] for k in row if k != JOURNAL_N.name})


def get_dead_letter(letter_id: str, *, store: Reader | None = None) -> dict[str, Any] | None:
    """The newest row of a dead letter; None if there is none."""
    own = {"letter_id": letter_id}
    rows = (store or reader()).joined(TABLE, own, f"letter_id = {quoted(letter_id)}")
    return rows[-1] if rows else None


def list_dead_letters(
    topic: str | None = None,
    *,
    replayed: bool = False,
    after: str = "",
    limit: int | None = None,
    store: Reader | None = None,
) -> list[dict[str, Any]]:
    """The dead letters of a topic, or of all, with an id above `after`, by id: those that wait, or
    also those that were replayed.
    """
    found = [
        row
        for row in (store or reader()).newest(TABLE)
        if topic in (None, row["topic"])
        and row["letter_id"] > after
        and (replayed or row["replayed_at"] is None)
    ]
    return sorted(found, key=lambda row: str(row["letter_id"]))[:limit]
