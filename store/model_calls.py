"""Requests to models and their answers: one row per attempt, by the log row that it led to."""

from typing import Any

import pyarrow as pa

from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

TABLE = Table(
    "model_calls",
    pa.schema(
        [
            ("session_id", TEXT),
            ("agent_id", TEXT),
            ("step", pa.int64()),
            ("seq", pa.int64()),
            ("call_id", TEXT),
            ("function", TEXT),
            ("route", TEXT),
            ("provider", TEXT),
            ("model", TEXT),
            ("attempt", pa.int64()),
            ("streamed", pa.bool_()),
            ("demonstration", pa.bool_()),
            ("queued_at", STAMP),
            ("sent_at", STAMP),
            ("first_token_ms", pa.float64()),
            ("latency_ms", pa.float64()),
            ("tokens_in", pa.int64()),
            ("tokens_out", pa.int64()),
            ("tokens_cached", pa.int64()),
            ("estimated", pa.bool_()),
            ("cost_usd", pa.float64()),
            ("finish_reason", TEXT),
            ("status", pa.int64()),
            ("error_kind", TEXT),
            ("error", TEXT),
            ("request", TEXT),
            ("answer", TEXT),
            ("thought", TEXT),
            ("agent_type", TEXT),
            ("conversation_id", TEXT),
            ("node", TEXT),
            JOURNAL_N,
        ]
    ),
    key=None,
    read_by="session_id",
    indices={"session_id": "BTREE", "seq": "BTREE"},
    retained_by="queued_at",
)
_WIDE = ("request", "answer", "thought")
_MANY = 50
"""Prompts make rows wide: of more rows than this, those that are wanted are found first."""


def list_calls(
    session_id: str,
    *,
    seq: int | None = None,
    after: int = 0,
    limit: int = 100,
    store: Reader | None = None,
) -> list[dict[str, Any]]:
    """The attempts of a session's calls, oldest first, `limit` at the most.

    `seq` picks those that led to one row of its log. `after` is the `journal_n` of the last one
    that is known already. A row's own `seq` is None where no row of the log followed.
    """
    reading = store or reader()
    where = f"session_id = {quoted(session_id)}"
    if seq is not None:
        where += f" AND seq = {int(seq)}"
    if after:
        where += f" AND journal_n > {int(after)}"
    # Journal first: a row that is flushed in between is then seen twice, never missed.
    pending = [
        row
        for row in reading.journalled(TABLE, {"session_id": session_id})
        if row["journal_n"] > after and seq in (None, row["seq"])
    ]
    rows = {row["journal_n"]: row for row in (*pending, *_stored(reading, where, limit))}
    return [rows[number] for number in sorted(rows)[:limit]]


def list_calls_in_brief(session_id: str, *, store: Reader | None = None) -> list[dict[str, Any]]:
    """All attempts of a session's calls, oldest first, without prompts, answers and thoughts."""
    reading = store or reader()
    # Journal first: a row that is flushed in between is then seen twice, never missed.
    pending = reading.journalled(TABLE, {"session_id": session_id})
    names = [name for name in TABLE.schema.names if name not in _WIDE]
    stored = reading.stored(TABLE, f"session_id = {quoted(session_id)}", names).to_pylist()
    brief = ({name: row.get(name) for name in names} for row in pending)
    rows = {row["journal_n"]: row for row in (*brief, *stored)}
    return [rows[number] for number in sorted(rows)]


def _stored(reading: Reader, where: str, limit: int) -> list[dict[str, Any]]:
    if reading.count(TABLE, where) > min(limit, _MANY):
        numbers = reading.stored(TABLE, where, ["journal_n"])["journal_n"].to_pylist()
        last = sorted(numbers)[:limit][-1] if numbers else 0
        where += f" AND journal_n <= {last}"
    found: list[dict[str, Any]] = reading.stored(TABLE, where).to_pylist()
    return found
