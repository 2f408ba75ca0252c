"""The log: everything that happened to a session, one row per event, by `seq` from 1."""

from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from store.demonstration import marked
from store.finding import folding, life, searching
from store.finding.buckets import Axis
from store.id_forms import in_either_form
from store.journal.memory import Span
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
    # A page of a session is where the first two meet, without reading the session's other rows; who
    # follows the log asks for the newest numbers, and would read those of a million rows for it.
    indices={"session_id": "BTREE", "seq": "BTREE", "journal_n": "BTREE"},
)

_RARE = 10_000
"""Below it a `seq` is one of nearly each session: looked up in its index, a page of one session
would find that of all others. IS TRUE keeps the index out of it.
"""
_PAGE = 200


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
        after, upto = int(after_seq), int(after_seq) + int(limit)
        within = f"seq > {after} AND seq <= {upto}"
        where = f"session_id = {quoted(session_id)} AND "
        where += within if after >= _RARE else f"({within}) IS TRUE"
        return reading.page(TABLE, session_id, Span("seq", after, upto), where)

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


def find_steps(
    session_id: str,
    query: str = "",
    after_seq: int = 0,
    limit: int = 1_000,
    *,
    before_seq: int | None = None,
    newest: bool = False,
    hidden: tuple[str, ...] = (),
    zone: tzinfo = UTC,
    buckets: int = 0,
    axis: Axis = "time",
    store: Reader | None = None,
) -> searching.Found:
    """The `seq` of the rows that fit a query, oldest first, with their count and cost.

    `limit` of them above `after_seq`; with `newest` the last ones below `before_seq`. `hidden`
    names sorts of rows that are left out. Times of day are those of `zone`. Raises: QueryError.
    """
    return searching.find(
        TABLE, session_id, query,
        searching.Page(int(limit), int(after_seq), before_seq, newest),
        hidden=hidden, zone=zone, buckets=buckets, axis=axis, store=store or reader(),
    )  # fmt: skip


def steps_at(
    session_id: str, seqs: Sequence[int], *, store: Reader | None = None
) -> Iterator[dict[str, Any]]:
    """The rows with these numbers, which ascend; a few at a time in memory."""
    reading = store or reader()
    for begin in range(0, len(seqs), _PAGE):
        wanted = [int(seq) for seq in seqs[begin : begin + _PAGE]]
        rows = in_either_form(session_id, partial(_rows_at, wanted, reading))
        by_seq = {row["seq"]: row for row in reversed(rows)}
        yield from (by_seq[seq] for seq in wanted if seq in by_seq)


def _rows_at(wanted: list[int], reading: Reader, session_id: str) -> list[dict[str, Any]]:
    asked = frozenset(wanted)

    def holds(pending: list[dict[str, Any]]) -> bool:
        return asked <= {row["seq"] for row in pending}

    where = f"session_id = {quoted(session_id)} AND seq IN ({', '.join(map(str, wanted))})"
    rows = reading.joined(TABLE, {"session_id": session_id}, where, enough=holds)
    return [row for row in rows if row["seq"] in asked]


def steps_life(
    session_id: str, buckets: int = 200, *, axis: Axis = "time", store: Reader | None = None
) -> life.Life:
    """The whole log in pieces of equal length, each with what happened in it and what it cost."""
    return life.life_of(TABLE, session_id, buckets, axis=axis, store=store or reader())


def steps_folds(
    session_id: str,
    *,
    hidden: tuple[str, ...] = (),
    runs: bool = False,
    store: Reader | None = None,
) -> folding.Folds:
    """The runs of rows of hidden sorts; with `runs` also the middle of long runs of ticks.

    Raises: QueryError.
    """
    return folding.folds_of(TABLE, session_id, hidden=hidden, runs=runs, store=store or reader())
