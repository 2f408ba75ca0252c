"""Documents that agents read: each version as it came, and its end. Their texts are in `chunks`."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from store.journal.file import Record
from store.journal.rows import own_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

TABLE = Table(
    "documents",
    pa.schema(
        [
            ("document_id", TEXT),
            ("version", pa.int64()),
            ("state", TEXT),
            ("source", TEXT),
            ("title", TEXT),
            ("media_type", TEXT),
            ("sha256", TEXT),
            ("size_bytes", pa.int64()),
            ("chars", pa.int64()),
            ("chunks", pa.int64()),
            ("actor", TEXT),
            ("agent_id", TEXT),
            ("session_id", TEXT),
            ("action_id", TEXT),
            ("at", STAMP),
            JOURNAL_N,
        ]
    ),
    key=None,
    read_by="document_id",
    indices={"document_id": "BTREE"},
)
STORED, REMOVED = "stored", "removed"
CITES = "[doc_"
"""How a citation begins."""
Row = dict[str, Any]


def record(row: Mapping[str, Any]) -> Record:
    """The journal's record of a row; its time is microseconds since 1970."""
    return own_record(TABLE, row)


def document_rows(document_id: str, *, store: Reader | None = None) -> list[Row]:
    """All that became of a document: its versions and its ends, the oldest first."""
    own = {"document_id": document_id}
    where = f"document_id = {quoted(document_id)}"
    return (store or reader()).joined(TABLE, own, where)


def newest_rows(*, store: Reader | None = None) -> dict[str, Row]:
    """The newest row of each document by its id, removed ones too."""
    return {row["document_id"]: row for row in (store or reader()).joined(TABLE, {}, None)}


def list_documents(*, removed: bool = False, store: Reader | None = None) -> list[Row]:
    """The newest version of each document, the newest first; with `removed` also what ended."""
    rows = newest_rows(store=store).values()
    found = [row for row in rows if removed or row["state"] == STORED]
    return sorted(found, key=lambda row: (row["at"], row["document_id"]), reverse=True)


def get_document(
    document_id: str, version: int | None = None, *, store: Reader | None = None
) -> Row | None:
    """The newest row of a document, or that of a version; None if there is none."""
    rows = document_rows(document_id, store=store)
    if version is not None:
        rows = [row for row in rows if row["version"] == version and row["state"] == STORED]
    return rows[-1] if rows else None
