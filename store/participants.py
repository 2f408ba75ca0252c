"""Who takes part in which conversation."""

import pyarrow as pa

from store.tables import JOURNAL_N, STAMP, TEXT, Table

TABLE = Table(
    "participants",
    pa.schema(
        [
            ("participant_id", TEXT),
            ("conversation_id", TEXT),
            ("agent_id", TEXT),
            ("session_id", TEXT),
            ("name", TEXT),
            ("joined_at", STAMP),
            ("left_at", STAMP),
            JOURNAL_N,
        ]
    ),
    key="participant_id",
    indices={"conversation_id": "BTREE"},
)
