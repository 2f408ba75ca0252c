"""Which rows of a log fit a query, by its columns as a whole."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import reduce

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from store.finding.changes import changed
from store.finding.query import (
    By,
    Changed,
    Measure,
    OfKind,
    Part,
    Since,
    Test,
    Until,
    When,
    Words,
)

_NEEDED: dict[type[Test], tuple[str, ...]] = {
    Words: ("kind", "text", "payload", "error"),
    OfKind: ("kind", "payload"),
    By: ("kind", "payload"),
    Changed: ("state",),
    Since: ("created_at",),
    Until: ("created_at",),
}
_MEASURED = {
    "cost": ("cost_usd",),
    "tokens": ("tokens_in", "tokens_out"),
    "took": ("latency_ms",),
    "tick": ("step",),
    "seq": ("seq",),
}
_COMPARED = {
    ">": pc.greater,
    ">=": pc.greater_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    "=": pc.equal,
}
_OWN = ("tick", "intent")
"""Rows of what the agent did by itself: nobody asked for them."""


def needed(parts: Iterable[Part]) -> set[str]:
    """The columns that a query looks at."""
    return {
        name
        for part in parts
        for name in (
            _MEASURED[part.test.name]
            if isinstance(part.test, Measure)
            else _NEEDED[type(part.test)]
        )
    }


def fitting(rows: pa.Table, parts: Sequence[Part], zone: tzinfo = UTC) -> pa.ChunkedArray:
    """For each row: true if it fits all parts. `zone` is that of times of day.

    `rows` are a whole log, or the end of one, oldest first.
    """
    reached = pc.max(rows["created_at"]).as_py() if "created_at" in rows.schema.names else None
    clock = _Clock(zone, reached or datetime.now(UTC))
    for part in parts:
        if isinstance(part.test, Since):
            clock.begun = clock.moment(part.test.when)
    masks = [_mask(rows, part, clock) for part in parts]
    return reduce(pc.and_, masks, all_of(rows))


def all_of(rows: pa.Table) -> pa.ChunkedArray:
    """True for each row."""
    return pa.chunked_array([pa.repeat(pa.scalar(value=True), len(rows))])


def of_sort(rows: pa.Table, sort: str) -> pa.Array:
    """For each row: true if it is of that sort, one of `SORTS`."""
    kind = rows["kind"]
    if sort == "errors":
        return pc.equal(kind, "error")
    if sort == "guidance":
        return pc.equal(kind, "guidance")
    if sort == "status":
        return pc.is_in(kind, pa.array(["status", "final"]))
    silent = pc.and_(pc.equal(kind, "tick"), _has(rows["payload"], '"spoke":false'))
    if sort == "silences":
        return silent
    return pc.and_not(pc.is_in(kind, pa.array(_OWN)), silent)


def _mask(rows: pa.Table, part: Part, clock: "_Clock") -> pa.ChunkedArray:
    mask = pc.fill_null(_fits(rows, part.test, clock), fill_value=False)
    return pc.invert(mask) if part.turned else mask


def _fits(rows: pa.Table, test: Test, clock: "_Clock") -> pa.ChunkedArray:
    match test:
        case Words(words):
            return _says(rows, words)
        case OfKind(names):
            sorts = [of_sort(rows, name) for name in names if name in _SORTS_ALONE]
            kinds = [name for name in names if name not in _SORTS_ALONE]
            return reduce(pc.or_, sorts, pc.is_in(rows["kind"], pa.array(kinds, pa.string())))
        case By(actor):
            named = _has(rows["payload"], f'"actor":{_json(actor)}', ignore_case=True)
            return pc.and_not(named, pc.is_in(rows["kind"], pa.array(_OWN)))
        case Changed(field):
            return pa.chunked_array([changed(rows["state"].combine_chunks(), field)])
        case Measure(name, comparison, value):
            columns = [pc.fill_null(rows[each], 0) for each in _MEASURED[name]]
            return _COMPARED[comparison](reduce(pc.add, columns), pa.scalar(value, pa.float64()))
        case Since() | Until():
            return _within(rows, test, clock)


def _within(rows: pa.Table, test: Since | Until, clock: "_Clock") -> pa.ChunkedArray:
    at = rows["created_at"]
    if isinstance(test, Since):
        return pc.greater_equal(at, _scalar(clock.moment(test.when), rows))
    return pc.less(at, _scalar(clock.end(test.when), rows))


_SORTS_ALONE = ("said", "errors", "silences")
"""Sorts whose names are no kinds; `status` as a kind leaves out how a session ended."""


def _says(rows: pa.Table, words: str) -> pa.ChunkedArray:
    told = [_has(rows[name], words, ignore_case=True) for name in ("text", "error")]
    # What was asked, and with what a tool was called: in JSON a text is escaped.
    payload = rows["payload"]
    telling = pc.or_(pc.equal(rows["kind"], "guidance"), _has(payload, '"call":'))
    inside = pc.and_(telling, _has(payload, _json(words)[1:-1], ignore_case=True))
    return reduce(pc.or_, told, inside)


def _has(column: pa.ChunkedArray, part: str, *, ignore_case: bool = False) -> pa.ChunkedArray:
    return pc.fill_null(pc.match_substring(column, part, ignore_case=ignore_case), fill_value=False)


def _json(text: str) -> str:
    return orjson.dumps(text).decode()


class _Clock:
    """Times as a query gives them. A time of day is the newest one that the log has reached; as an
    end beside a beginning, the first one after that.
    """

    def __init__(self, zone: tzinfo, reached: datetime) -> None:
        self._zone, self._reached = zone, reached
        self.begun: datetime | None = None

    def moment(self, when: When) -> datetime:
        if isinstance(when, timedelta):
            now = datetime.now(UTC)
            return now - min(when, now - _EARLIEST)
        if isinstance(when, time):
            at = self._on(self._reached, when)
            return at if at <= self._reached else self._on(self._reached - _DAY, when)
        return when if when.tzinfo is not None else when.replace(tzinfo=self._zone)

    def end(self, when: When) -> datetime:
        if not isinstance(when, time) or self.begun is None:
            return self.moment(when)
        at = self._on(self.begun, when)
        return at if at > self.begun else self._on(self.begun + _DAY, when)

    def _on(self, day: datetime, when: time) -> datetime:
        return datetime.combine(day.astimezone(self._zone).date(), when, self._zone)


_DAY = timedelta(days=1)
_EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
_LATEST = datetime(9999, 12, 30, tzinfo=UTC)
"""Ends of what every zone can tell; no log reaches them."""


def _scalar(at: datetime, rows: pa.Table) -> pa.Scalar:
    naive = at.replace(tzinfo=UTC)
    if not _EARLIEST <= naive <= _LATEST:
        at = max(_EARLIEST, min(naive, _LATEST))
    return pa.scalar(at.astimezone(UTC), rows.schema.field("created_at").type)
