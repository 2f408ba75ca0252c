"""The cost of calls of models, how many failed and how long they waited: by minute and by hour.

Both tables sum up `model_calls`, and outlast its rows.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Literal, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from store import model_calls
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Row, Summary, Table

Width = Literal["minute", "hour"]
OTHERS = "(others)"
"""Stands for the conversations of a minute or an hour beyond the `_MOST_GROUPS` busiest groups."""
_MOST_GROUPS = 300
_SUMS = ("calls", "failed", "aborted", "tokens_in", "tokens_out", "tokens_cached", "cost_usd",
         "latency_ms")  # fmt: skip
GROUP = ("at", "route", "agent_type", "conversation_id")
COLUMNS = ("queued_at", "sent_at", "route", "agent_type", "conversation_id", "error_kind",
            "tokens_in", "tokens_out", "tokens_cached", "cost_usd", "latency_ms")  # fmt: skip
_ABORTED = "aborted"
_PARTS = 2.0
"""Parts of the histogram of waits for each doubling; the first goes up to 1.4 ms."""
_SCHEMA = pa.schema(
    [
        ("at", STAMP),
        ("route", TEXT),
        ("agent_type", TEXT),
        ("conversation_id", TEXT),
        ("calls", pa.int64()),
        ("failed", pa.int64()),
        ("aborted", pa.int64()),
        ("tokens_in", pa.int64()),
        ("tokens_out", pa.int64()),
        ("tokens_cached", pa.int64()),
        ("cost_usd", pa.float64()),
        ("latency_ms", pa.float64()),
        ("waits", TEXT),
        JOURNAL_N,
    ]
)


class Group(NamedTuple):
    """The calls of a minute or an hour that have these in common."""

    at: datetime
    route: str | None
    agent_type: str | None
    conversation_id: str | None


@dataclass(slots=True)
class Usage:
    """Sums over calls; `waits` counts them by how long they waited for a place (see `wait_ms`)."""

    calls: int = 0
    failed: int = 0
    aborted: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    cost_usd: float = 0.0
    latency_ms: float = 0.0
    waits: Counter[int] = field(default_factory=Counter)

    def add(self, row: Row) -> None:
        """Add the sums of a row; its waits, as they are stored, too."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + (row[name] or 0))
        for part, count in orjson.loads(row["waits"] or "{}").items():
            self.waits[int(part)] += count

    def count(self, row: Row) -> None:
        """Add a row of `counted`."""
        self.add(row | {"waits": None})
        if row["wait"] is not None:
            self.waits[row["wait"]] += row["calls"]

    def stored(self) -> Row:
        waits = {str(part): count for part, count in sorted(self.waits.items())}
        sums = {name: getattr(self, name) for name in _SUMS}
        return sums | {"waits": orjson.dumps(waits).decode()}

    def wait_ms(self, share: float) -> float | None:
        """The wait that so large a share of the calls did not exceed, to a fifth of it."""
        wanted, seen = share * self.waits.total(), 0
        for part, count in sorted(self.waits.items()):
            seen += count
            if seen >= wanted:
                return 0.0 if part == 0 else 2 ** ((part + 0.5) / _PARTS)
        return None


class CallSums:
    """Calls counted by minute or hour, route, type of agent and conversation."""

    def __init__(self, width: Width) -> None:
        self._width = width
        self._groups: dict[Group, Usage] = {}

    def add(self, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        for row in counted(rows, self._width, GROUP).to_pylist():
            group = Group(*(row[name] for name in GROUP))
            usage = self._groups.setdefault(group, Usage())
            usage.count(row)

    def rows(self) -> list[Row]:
        return [group._asdict() | usage.stored() for group, usage in self._bounded()]

    def _bounded(self) -> Iterable[tuple[Group, Usage]]:
        """At most `_MOST_GROUPS` of each minute or hour; the conversations of others are one."""
        by_calls = sorted(self._groups.items(), key=lambda pair: -pair[1].calls)
        kept: dict[Group, Usage] = {}
        there: Counter[datetime] = Counter()
        for group, usage in by_calls:
            there[group.at] += 1
            if there[group.at] <= _MOST_GROUPS:
                kept[group] = usage
            else:
                others = kept.setdefault(group._replace(conversation_id=OTHERS), Usage())
                others.add(usage.stored())
        return kept.items()


def counted(rows: pa.Table, width: Width, group: Sequence[str]) -> pa.Table:
    """The sums of calls by these columns, of which the first is the time, and by `wait`: the part
    of the histogram that their wait is in."""
    kind = rows["error_kind"]
    is_aborted = pc.fill_null(pc.equal(kind, _ABORTED), fill_value=False)
    waited_us = pc.cast(pc.subtract(rows["sent_at"], rows["queued_at"]), pa.int64())
    waited_ms = pc.max_element_wise(pc.divide(waited_us, 1_000.0), 1.0, skip_nulls=False)
    table = pa.table(
        {
            "at": pc.floor_temporal(rows["queued_at"], unit=width),
            **{name: rows[name] for name in group[1:]},
            "wait": pc.cast(pc.floor(pc.multiply(pc.log2(waited_ms), _PARTS)), pa.int64()),
            "calls": pa.repeat(1, rows.num_rows),
            "failed": pc.cast(pc.and_(pc.is_valid(kind), pc.invert(is_aborted)), pa.int64()),
            "aborted": pc.cast(is_aborted, pa.int64()),
            **{name: pc.fill_null(rows[name], 0) for name in _SUMS[3:]},
        }
    )
    sums = table.group_by([*group, "wait"]).aggregate([(name, "sum") for name in _SUMS])
    return sums.rename_columns([name.removesuffix("_sum") for name in sums.column_names])


def _table(name: str, width: Width, every_s: float, days: float) -> Table:
    return Table(
        name,
        _SCHEMA,
        key=None,
        summary=Summary(
            model_calls.TABLE.name, COLUMNS, "queued_at", every_s, partial(CallSums, width)
        ),
        retained_by="at",
        retained_days=days,
    )


MINUTES = _table("usage_minutes", "minute", 60.0, 2.0)
HOURS = _table("usage_hours", "hour", 3_600.0, 32.0)
