"""Which runs of a log a reader need not see: of hidden sorts, and long ones that say the same."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from store.finding.columns import columns_of
from store.finding.matching import of_sort
from store.finding.searching import SORTED_BY, check_sorts, visible
from store.lance.tables import Table
from store.reading import Reader

MOST_FOLDS = 10_000
LONG = 12
"""Rows: a run that is no longer stays."""
_EDGE = 2
"""Rows at each end of a long run that stay."""
_SHOWN, _RUN, _HIDDEN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows from `first` to `last`; `subject` is what all of them are about, if that is known."""

    first: int
    last: int
    ticks: int
    subject: str | None


@dataclass(frozen=True, slots=True)
class Folds:
    """All folds up to row `head`, oldest first; the newest `MOST_FOLDS` of them."""

    head: int
    folds: list[Fold]


def folds_of(
    table: Table, session_id: str, *, hidden: tuple[str, ...], runs: bool, store: Reader
) -> Folds:
    """The rows that are folded away. `runs`: of long runs of ticks the middle, too.

    Raises: QueryError.
    """
    check_sorts(hidden)
    rows = columns_of(table, session_id, SORTED_BY, store=store)
    if not len(rows):
        return Folds(0, [])
    shown = visible(rows, hidden)
    ticked = pc.or_(of_sort(rows, "said"), of_sort(rows, "silences"))
    places = [*_folded(_coded(shown, ticked, runs=runs), runs=runs)][-MOST_FOLDS:]
    return Folds(rows["seq"][-1].as_py(), _told(rows, ticked, places))


def _coded(shown: pa.ChunkedArray, ticked: pa.ChunkedArray, *, runs: bool) -> pa.Array:
    foldable = pc.if_else(ticked, _RUN, _SHOWN) if runs else _SHOWN
    codes = pc.if_else(shown, foldable, _HIDDEN).cast(pa.int8())
    return codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes


def _folded(codes: pa.Array, *, runs: bool) -> Iterator[tuple[int, int]]:
    """Places of the folds: from the first row of each until before the row after it."""
    encoded = pc.run_end_encode(codes)
    begin = 0
    group: list[tuple[int, int, int]] = []
    for end, code in zip(encoded.run_ends.to_pylist(), encoded.values.to_pylist(), strict=True):
        if code == _SHOWN:
            yield from _of_group(group, runs=runs)
            group = []
        else:
            group.append((begin, end, code))
        begin = end
    yield from _of_group(group, runs=runs)


def _of_group(group: list[tuple[int, int, int]], *, runs: bool) -> Iterator[tuple[int, int]]:
    """Those between two rows that stay: the middle as one, and what is hidden at its edges."""
    if not group:
        return
    first, last = group[0][0], group[-1][1]
    if not runs or last - first <= LONG:
        yield from ((begin, end) for begin, end, code in group if code == _HIDDEN)
        return
    inner, outer = first + _EDGE, last - _EDGE
    folds = [(inner, outer)]
    folds += [(begin, min(end, inner)) for begin, end, code in group if code == _HIDDEN]
    folds += [(max(begin, outer), end) for begin, end, code in group if code == _HIDDEN]
    yield from _joined(sorted(each for each in folds if each[0] < each[1]))


def _joined(folds: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    begin, end = folds[0]
    for first, last in folds[1:]:
        if first > end:
            yield begin, end
            begin = first
        end = max(end, last)
    yield begin, end


def _told(rows: pa.Table, ticked: pa.ChunkedArray, places: list[tuple[int, int]]) -> list[Fold]:
    begins = pa.array([begin for begin, _ in places], pa.int64())
    lasts = pa.array([end - 1 for _, end in places], pa.int64())
    upto = pc.cumulative_sum(ticked.cast(pa.int64())).combine_chunks()
    counts = pc.add(pc.subtract(upto.take(lasts), upto.take(begins)), 1)
    payloads = rows["payload"].combine_chunks()
    found = {
        "first": rows["seq"].combine_chunks().take(begins),
        "last": rows["seq"].combine_chunks().take(lasts),
        "ticks": counts,
        "at_first": payloads.take(begins),
        "at_last": payloads.take(lasts),
        "ticked_first": ticked.combine_chunks().take(begins),
    }
    return [_fold(each) for each in pa.table(found).to_pylist()]


def _fold(found: dict[str, Any]) -> Fold:
    ticks = found["ticks"] - (not found["ticked_first"])
    whole = ticks == found["last"] - found["first"] + 1
    subject = _subject(found["at_first"]) if whole else None
    same = subject is not None and subject == _subject(found["at_last"])
    return Fold(found["first"], found["last"], ticks, subject if same else None)


def _subject(payload: str | None) -> str | None:
    found = re.search(r'"subject":("(?:[^"\\]|\\.)*")', payload or "")
    return None if found is None else str(orjson.loads(found[1]))
