"""Reading what calls of models cost, from any process: the tables, and what is not in them yet."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from store import model_calls, times
from store.lance.tables import JOURNAL_N, Row, Table
from store.reading import Reader
from store.usage import COLUMNS, GROUP, HOURS, MINUTES, CallSums, Group, Usage, Width, counted

_NUMBER = JOURNAL_N.name


def read_usage(
    width: Width, since: datetime, until: datetime | None = None, *, store: Reader
) -> Iterator[tuple[Group, Usage]]:
    """Sums of the calls that were queued in the minutes or hours from `since` until `until`.

    A group may come several times: add them up. Minutes are kept for 2 days, hours for 32.
    """
    table = MINUTES if width == "minute" else HOURS
    written, rows = unwritten(store, table, width, since)
    where = f"{_between('at', since, until)} AND {_NUMBER} <= {written}"
    for row in (*store.stored(table, where).to_pylist(), *rows):
        if row["at"] >= since and (until is None or row["at"] < until):
            usage = Usage()
            usage.add(row)
            yield Group(*(row[name] for name in GROUP)), usage


def by_session(
    since: datetime, until: datetime | None = None, *, store: Reader
) -> Iterator[tuple[str, datetime, Usage]]:
    """Sums by session and minute, from the calls themselves: as far back as these are kept."""
    rows = _calls(store, _between("queued_at", since, until), 0, ["session_id"])
    rows = rows.filter(pc.greater_equal(rows["queued_at"], pa.scalar(since)))
    if until is not None:
        rows = rows.filter(pc.less(rows["queued_at"], pa.scalar(until)))
    for row in counted(rows, "minute", ("at", "session_id")).to_pylist() if rows.num_rows else ():
        usage = Usage()
        usage.count(row)
        yield row["session_id"], row["at"], usage


def unwritten(store: Reader, table: Table, width: Width, since: datetime) -> tuple[int, list[Row]]:
    """The number up to which the table counts, and the sums of what came later."""
    if store.unwritten is not None and (found := store.unwritten(table.name)) is not None:
        return found
    numbers = store.stored(table, None, [_NUMBER])[_NUMBER]
    written = pc.max(numbers).as_py() or 0
    sums = CallSums(width)
    # A bucket's first call may be older than what is asked for.
    where = f"{_NUMBER} > {written} AND {_between('queued_at', since - timedelta(hours=1), None)}"
    sums.add(_calls(store, where, written, []))
    return written, sums.rows()


def _calls(store: Reader, where: str, above: int, more: list[str]) -> pa.Table:
    """Rows of `model_calls` with a number above `above`, the journal's too, each once."""
    columns = [*COLUMNS, *more, _NUMBER]
    # Journal first: a row that is flushed in between is then seen twice, never missed.
    pending = [row for row in store.journalled(model_calls.TABLE) if row[_NUMBER] > above]
    stored = store.stored(model_calls.TABLE, where, columns)
    schema = pa.schema([model_calls.TABLE.schema.field(name) for name in columns])
    pending_rows = pa.Table.from_pylist(pending, schema=schema)
    if pending and stored.num_rows:
        is_twice = pc.is_in(pending_rows[_NUMBER], value_set=stored[_NUMBER].combine_chunks())
        pending_rows = pending_rows.filter(pc.invert(is_twice))
    return pa.concat_tables([stored.cast(schema), pending_rows])


def _between(column: str, since: datetime, until: datetime | None) -> str:
    found = f"{column} >= {times.literal(since)}"
    return found if until is None else f"{found} AND {column} < {times.literal(until)}"
