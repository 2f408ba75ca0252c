"""The log: everything that happened to a session, one row per event, by `seq` from 1."""

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from store.demonstration import marked
from store.id_forms import in_either_form
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

if TYPE_CHECKING:
    import pandas as pd

TABLE = Table(
    "agent_steps",
    pa.schema(
        [
            ("session_id", TEXT),
            ("agent_id", TEXT),
            ("seq", pa.int64()),
            ("step", pa.int64()),
            ("kind", TEXT),
            ("text", TEXT),
            ("payload", TEXT),
            ("state", TEXT),
            ("applied_actions", TEXT),
            ("started_at", STAMP),
            ("created_at", STAMP),
            ("latency_ms", pa.float64()),
            ("tokens_in", pa.int64()),
            ("tokens_out", pa.int64()),
            ("cost_usd", pa.float64()),
            ("error", TEXT),
            JOURNAL_N,
        ]
    ),
    key=None,
    read_by="session_id",
    # Both: a page of a session is where the two meet, without reading the session's other rows.
    indices={"session_id": "BTREE", "seq": "BTREE"},
)


def list_steps(
    session_id: str, after_seq: int = 0, limit: int = 1_000, *, store: Reader | None = None
) -> list[dict[str, Any]]:
    """The log's rows with `seq` above `after_seq`, oldest first, `limit` at the most.

    Shapes: a dict per row, with the columns of `agent_steps`, and `demonstration`, true where the
    offline model answered; JSON columns are strings, times are datetimes in UTC. Rows count as soon
    as they are acknowledged.
    """

    reading = store or reader()

    def read(session_id: str) -> list[dict[str, Any]]:
        return reading.joined(
            TABLE,
            {"session_id": session_id},
            # Numbers have no gaps: a range of seq is a page.
            f"session_id = {quoted(session_id)} AND seq > {int(after_seq)} "
            f"AND seq <= {int(after_seq) + int(limit)}",
            # Rows are flushed in their order: all that follow a journalled one are journalled.
            enough=lambda pending: any(row["seq"] == int(after_seq) + 1 for row in pending),
        )

    rows = in_either_form(session_id, read)
    # A commit that failed halfway is tried again with the same seq: the first of them counts.
    by_seq = {row["seq"]: row for row in reversed(rows) if row["seq"] > after_seq}
    return [marked(by_seq[seq], "payload") for seq in sorted(by_seq)[:limit]]


def steps_frame(
    session_id: str, after_seq: int = 0, limit: int = 1_000, *, store: Reader | None = None
) -> "pd.DataFrame":
    """The rows of `list_steps` as a pandas DataFrame with the same columns."""
    import pandas as pd  # noqa: PLC0415 - half a second that only this function needs

    rows = list_steps(session_id, after_seq, limit, store=store)
    return pd.DataFrame(rows, columns=[*TABLE.schema.names, "demonstration"])
