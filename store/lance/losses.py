"""Which rows a damage takes, told by what is left: numbers have no gaps, so a gap is a loss."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from store.lance.damage import Missing, Range, as_ranges
from store.lance.diagnosis import Diagnosis
from store.lance.sums import Sums
from store.lance.tables import JOURNAL_N, read_all

_NUMBERED = {"agent_steps": ("session_id", "seq"), "messages": ("conversation_id", "number")}
"""The columns by which a table numbers its own rows."""
_STATE, _LOG = "agent_state", "agent_steps"
_HIGHEST = (1 << 63) - 1


def _none(_table: str) -> Iterable[Mapping[str, Any]]:
    return ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """The journal's knowledge of the tables.

    `synced` are the tables' versions that are known to be on disk, `flushed` is the highest number
    that is in them for good, `sums` are the checksums of their files. `pending` are the numbers
    that the journal still has, `pending_rows` gives their rows by table. `trusted`: no loss of
    power, so what was written is as it was written.
    """

    synced: Mapping[str, int] = field(default_factory=dict)
    flushed: int = 0
    pending: Sequence[Range] = ()
    trusted: bool = True
    sums: Sums = field(default_factory=dict)
    pending_rows: Callable[[str], Iterable[Mapping[str, Any]]] = _none


def losses(
    found: Sequence[Diagnosis], evidence: Evidence, known: Sequence[Missing]
) -> list[Missing]:
    """The acknowledged rows that are gone from each table when it is mended as it was found.

    `known` are those that were gone before.
    """
    damaged = [one for one in found if one.bad or one.version < one.synced]
    if not damaged:
        return []
    numbers = {one.table.name: _numbers(one) for one in found if one.head and one.table.journalled}
    tops = next((_tops(one) for one in found if one.table.name == _STATE and one.head), {})
    unaccounted = _unaccounted(found, numbers, evidence, known)
    made = []
    for one in damaged:
        name = one.table.name
        rows = numbers.get(name)
        own = _gaps(
            name, rows, tops, [*_own(name, evidence.pending_rows(name)), *_owned(name, known)]
        )
        made.append(_loss(one, rows, unaccounted, own))
    views = {one.table.name for one in damaged if one.table.follows is not None}
    return [
        entry
        for entry in made
        if entry.rows or entry.journal_n or entry.numbers or entry.table in views
    ]


def _unaccounted(
    found: Sequence[Diagnosis],
    numbers: Mapping[str, pa.Table],
    evidence: Evidence,
    known: Sequence[Missing],
) -> list[int]:
    """The flushed numbers that are in no table any more.

    A row that follows from another table's has a number of that one; rows that were replaced have
    left theirs.
    """
    present: set[int] = set()
    for one in found:
        if one.table.name in numbers and one.table.follows is None:
            present.update(numbers[one.table.name][JOURNAL_N.name].to_pylist())
    for low, high in [*evidence.pending, *(span for entry in known for span in entry.journal_n)]:
        present.update(range(low, high + 1))
    return [number for number in range(1, evidence.flushed + 1) if number not in present]


def _loss(
    one: Diagnosis,
    rows: pa.Table | None,
    unaccounted: Sequence[int],
    own: Mapping[str, Sequence[Range]],
) -> Missing:
    count = sum(one.fragments[number].rows for number in one.bad)
    gone: list[int] = []
    if one.table.journalled:
        spans = _spans(one, rows)
        gone = [n for n in unaccounted if any(low <= n <= high for low, high in spans)]
    why = one.reasons[0] if one.reasons else f"version {one.synced} is not there any more"
    if one.table.follows is not None:
        why = f"made again from {one.table.follows}: {why}"
    return Missing(one.table.name, count or len(gone), why[:300], as_ranges(gone), own)


def _numbers(one: Diagnosis) -> pa.Table:
    """Journal number, fragment and own numbers of each row that reads."""
    columns = [JOURNAL_N.name, *_NUMBERED.get(one.table.name, ())]
    with one.opened() as opened:
        there = [name for name in columns if name in opened.schema.names]
        rows = read_all(opened.search().select(there).with_row_id(with_row_id=True))
    return rows.append_column("fragment", pc.shift_right(rows["_rowid"], 32))


def _spans(one: Diagnosis, rows: pa.Table | None) -> list[Range]:
    """The numbers between the neighbours of each run of fragments that do not read."""
    if rows is None or one.table.key is not None or not one.good:
        return [(1, _HIGHEST)]
    edges = rows.group_by("fragment").aggregate([("journal_n", "min"), ("journal_n", "max")])
    known = {
        row["fragment"]: (row["journal_n_min"], row["journal_n_max"]) for row in edges.to_pylist()
    }
    spans: list[Range] = []
    low, inside = 0, False
    for number in one.fragments:
        if number in one.bad:
            inside = True
        elif number in known:
            first, last = known[number]
            if inside:
                spans.append((low + 1, (first or 1) - 1))
            low, inside = last or low, False
    if inside or one.version < one.synced:
        spans.append((low + 1, _HIGHEST))
    return spans


def _gaps(
    table: str, rows: pa.Table | None, tops: Mapping[str, int], elsewhere: Sequence[tuple[str, int]]
) -> dict[str, tuple[Range, ...]]:
    """The numbers that each session or conversation lacks, up to the highest that is known."""
    if table not in _NUMBERED:
        return {}
    there: defaultdict[str, set[int]] = defaultdict(set)
    if rows is not None:
        key, number = _NUMBERED[table]
        for name, own in zip(rows[key].to_pylist(), rows[number].to_pylist(), strict=True):
            there[name].add(own)
    for name, own in elsewhere:
        there[name].add(own)
    highest = {name: max(numbers) for name, numbers in there.items()}
    if table == _LOG:
        for name, top in tops.items():
            highest[name] = max(top, highest.get(name, 0))
    return {
        name: as_ranges([n for n in range(1, top + 1) if n not in there[name]])
        for name, top in highest.items()
        if len(there[name]) < top
    }


def _own(table: str, rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, int]]:
    if table not in _NUMBERED:
        return []
    key, number = _NUMBERED[table]
    return [(row[key], row[number]) for row in rows]


def _owned(table: str, known: Sequence[Missing]) -> list[tuple[str, int]]:
    """The numbers that were missing before."""
    return [
        (name, number)
        for entry in known
        if entry.table == table
        for name, ranges in entry.numbers.items()
        for low, high in ranges
        for number in range(low, high + 1)
    ]


def _tops(state: Diagnosis) -> dict[str, int]:
    """The `seq` that each session's state was made from."""
    with state.opened() as opened:
        rows = read_all(opened.search().select(["session_id", "history"]))
    found = zip(rows["session_id"].to_pylist(), rows["history"].to_pylist(), strict=True)
    return {name: orjson.loads(history)["seq"] for name, history in found if history}
