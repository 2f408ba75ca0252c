"""Search in one session's log: the rows that fit, and where in its life they lie."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import pyarrow as pa
import pyarrow.compute as pc

from store.finding.buckets import Axis, Span, numbered
from store.finding.columns import columns_of
from store.finding.matching import all_of, fitting, needed, of_sort
from store.finding.query import SORTS, QueryError, parsed
from store.lance.tables import Table
from store.reading import Reader

SORTED_BY = ("kind", "payload")


@dataclass(frozen=True, slots=True)
class Page:
    """The part of the matches that is wanted: the first `limit` with `seq` above `after_seq`, or
    with `newest` the last ones with `seq` below `before_seq`.
    """

    limit: int = 1_000
    after_seq: int = 0
    before_seq: int | None = None
    newest: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a search. `skipped` matches come before `seqs`; `sorts` counts all by sort.

    `density` counts the matches in equal parts of `span`, which is the whole log's.
    """

    seqs: list[int]
    count: int
    skipped: int
    cost_usd: float
    head: int
    sorts: dict[str, int]
    span: Span | None
    density: list[int]


def find(
    table: Table,
    session_id: str,
    query: str,
    page: Page,
    *,
    hidden: tuple[str, ...] = (),
    zone: tzinfo = UTC,
    buckets: int = 0,
    axis: Axis = "time",
    store: Reader,
) -> Found:
    """The rows that fit the query and are of no hidden sort. Raises: QueryError."""
    parts = parsed(query)
    check_sorts(hidden)
    columns = {"created_at", "cost_usd", *SORTED_BY} | needed(parts)
    rows = columns_of(table, session_id, sorted(columns), store=store)
    mask = visible(rows, hidden, fitting(rows, parts, zone))
    matches = rows.filter(mask)
    seqs = matches["seq"].combine_chunks()
    chosen, skipped = _page(seqs, page)
    span = Span.of(rows, axis) if buckets else None
    return Found(
        seqs=chosen,
        count=len(seqs),
        skipped=skipped,
        cost_usd=pc.sum(matches["cost_usd"]).as_py() or 0.0,
        head=len(rows) and rows["seq"][-1].as_py(),
        sorts={each: pc.sum(of_sort(matches, each)).as_py() or 0 for each in SORTS},
        span=span,
        density=_density(matches, span, buckets),
    )


def check_sorts(hidden: tuple[str, ...]) -> None:
    """Raises: QueryError for a name that is no sort of rows."""
    if unknown := [each for each in hidden if each not in SORTS]:
        raise QueryError(f"{unknown[0]!r:.40} is no sort of rows; expected some of {SORTS}")


def visible(
    rows: pa.Table, hidden: tuple[str, ...], mask: pa.ChunkedArray | None = None
) -> pa.ChunkedArray:
    """For each row: true if it is of no hidden sort, and in `mask`."""
    shown = all_of(rows) if mask is None else mask
    for sort in hidden:
        shown = pc.and_not(shown, of_sort(rows, sort))
    return shown


def _page(seqs: pa.Array, page: Page) -> tuple[list[int], int]:
    before = pc.sum(pc.less_equal(seqs, page.after_seq)).as_py() or 0
    within = len(seqs)
    if page.before_seq is not None:
        within = pc.sum(pc.less(seqs, page.before_seq)).as_py() or 0
    begin, end = before, min(within, before + page.limit)
    if page.newest:
        begin, end = max(before, within - page.limit), within
    return seqs[begin : max(begin, end)].to_pylist(), begin


def _density(matches: pa.Table, span: Span | None, buckets: int) -> list[int]:
    counts = [0] * buckets
    if span is not None and len(matches):
        for each in pc.value_counts(numbered(matches, span, buckets)).to_pylist():
            counts[each["values"]] = each["counts"]
    return counts


def local_zone() -> tzinfo:
    """The zone of this machine's clock."""
    return datetime.now().astimezone().tzinfo or UTC
