"""The last sight that each watching source had: a file of a folder, the answer of an address."""

import hashlib
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from store.journal.file import Record
from store.journal.rows import own_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

TABLE = Table(
    "sightings",
    pa.schema(
        [
            ("sighting_id", TEXT),
            ("source_id", TEXT),
            ("session_id", TEXT),
            ("item", TEXT),
            ("seen", TEXT),
            ("times", pa.int64()),
            ("seen_at", STAMP),
            JOURNAL_N,
        ]
    ),
    key="sighting_id",
    read_by="source_id",
    indices={"sighting_id": "BTREE", "source_id": "BTREE"},
)


def record(row: Mapping[str, Any]) -> Record:
    """The journal's record of a sighting; `seen` is JSON, `seen_at` microseconds since 1970."""
    named = f"{row['source_id']}\n{row['item']}"
    return own_record(TABLE, {**row, "sighting_id": hashlib.sha256(named.encode()).hexdigest()})


def list_sightings(source_id: str, *, store: Reader | None = None) -> dict[str, dict[str, Any]]:
    """The newest row of each item that a source has seen, by item."""
    rows = (store or reader()).joined(
        TABLE, {"source_id": source_id}, f"source_id = {quoted(source_id)}"
    )
    return {row["item"]: row for row in rows}
