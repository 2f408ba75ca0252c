"""Views of the list and templates of sessions that people have saved, for all who open the page."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from store.journal.file import Record
from store.journal.rows import own_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table
from store.reading import Reader, reader

TABLE = Table(
    "saved",
    pa.schema(
        [
            ("saved_id", TEXT),
            ("kind", TEXT),
            ("name", TEXT),
            ("content", TEXT),
            ("saved_by", TEXT),
            ("saved_at", STAMP),
            ("saved_action", TEXT),
            JOURNAL_N,
        ]
    ),
    key="saved_id",
    indices={"saved_id": "BTREE"},
)


def record(row: Mapping[str, Any]) -> Record:
    """The journal's record of what was saved; `content` is JSON, None once it is removed."""
    return own_record(TABLE, row)


def list_saved(kind: str | None = None, *, store: Reader | None = None) -> list[dict[str, Any]]:
    """All that is saved of a kind (`view`, `search`, `template`), or of all, by kind and name."""
    found = [
        row
        for row in (store or reader()).newest(TABLE)
        if row["content"] is not None and kind in (None, row["kind"])
    ]
    return sorted(found, key=lambda row: (str(row["kind"]), str(row["name"])))
