"""Evidence for and against what sessions believe, and rows that take some of it back."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from store.id_forms import in_either_form
from store.journal.file import Record
from store.journal.rows import own_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

TABLE = Table(
    "evidence",
    pa.schema(
        [
            ("evidence_id", TEXT),
            ("kind", TEXT),
            ("session_id", TEXT),
            ("agent_id", TEXT),
            ("life", STAMP),
            ("claim", TEXT),
            ("at", STAMP),
            ("p_if_true", pa.float64()),
            ("p_if_false", pa.float64()),
            ("reliability", pa.float64()),
            ("source", TEXT),
            ("text", TEXT),
            ("undoes", TEXT),
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
    indices={"session_id": "BTREE"},
)


def record(row: Mapping[str, Any]) -> Record:
    """The journal's record of a row; its time is microseconds since 1970."""
    return own_record(TABLE, row)


def list_evidence(
    session_id: str,
    *,
    claim: str | None = None,
    after: int = 0,
    limit: int | None = None,
    store: Reader | None = None,
) -> list[dict[str, Any]]:
    """The evidence of a session and what takes it back, as it was written, after `journal_n`
    `after`. Of one `claim` only what speaks for it or against it.
    """

    def read(session_id: str) -> list[dict[str, Any]]:
        where = f"session_id = {quoted(session_id)}"
        return (store or reader()).joined(TABLE, {"session_id": session_id}, where)

    rows = in_either_form(session_id, read)
    return [
        row for row in rows if row["journal_n"] > after and (claim is None or row["claim"] == claim)
    ][:limit]
