"""A session's whole life at a glance, from its log: how dense, what happened, what it cost."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from store.finding.buckets import Axis, Span, numbered, summed
from store.finding.columns import columns_of
from store.finding.matching import of_sort
from store.finding.searching import SORTED_BY
from store.lance.tables import Table
from store.reading import Reader

_MINUTE_US = 60_000_000
MINUTES = 30


@dataclass(frozen=True, slots=True)
class Bucket:
    """Rows of one piece of the life. `seq` is the first one's."""

    number: int
    seq: int
    ticks: int
    guidance: int
    errors: int
    pauses: int
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Life:
    """`buckets` leaves out the empty ones; `cost_by_minute` ends with the newest row's minute."""

    head: int
    ticks: int
    cost_usd: float
    span: Span | None
    buckets: list[Bucket]
    cost_by_minute: list[float]


def life_of(
    table: Table, session_id: str, buckets: int, *, axis: Axis = "time", store: Reader
) -> Life:
    """The whole log in so many buckets of equal length."""
    names = ["created_at", "text", "cost_usd", *SORTED_BY]
    rows = columns_of(table, session_id, names, store=store)
    span = Span.of(rows, axis)
    if span is None:
        return Life(0, 0, 0.0, None, [], [])
    ticks = pc.equal(rows["kind"], "tick")
    paused = pc.and_(pc.equal(rows["kind"], "status"), pc.starts_with(rows["text"], pattern="paus"))
    counted = {
        "ticks": ticks,
        "guidance": of_sort(rows, "guidance"),
        "errors": of_sort(rows, "errors"),
        "pauses": paused,
    }
    found = summed(
        rows,
        numbered(rows, span, buckets),
        **{name: column.cast(pa.int32()) for name, column in counted.items()},
        cost_usd=rows["cost_usd"],
    )
    return Life(
        head=rows["seq"][-1].as_py(),
        ticks=pc.sum(ticks).as_py(),
        cost_usd=pc.sum(rows["cost_usd"]).as_py() or 0.0,
        span=span,
        buckets=[_bucket(each) for each in found],
        cost_by_minute=_by_minute(rows),
    )


def _bucket(row: dict[str, Any]) -> Bucket:
    return Bucket(
        row["bucket"], row["seq_min"], row["ticks"], row["guidance"], row["errors"],
        row["pauses"], row["cost_usd"] or 0.0,
    )  # fmt: skip


def _by_minute(rows: pa.Table) -> list[float]:
    minutes = pc.divide(rows["created_at"].cast(pa.int64()), _MINUTE_US)
    last = pc.max(minutes).as_py()
    recent = pc.greater(minutes, last - MINUTES)
    kept = rows.filter(recent)
    costs = [0.0] * MINUTES
    for each in summed(kept, minutes.filter(recent), cost_usd=kept["cost_usd"]):
        costs[each["bucket"] - last - 1] = each["cost_usd"] or 0.0
    return costs
