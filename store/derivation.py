"""Tables whose rows follow from those of another: made as the flush writes, or made again."""

import time
from bisect import bisect_left, bisect_right

import orjson
import pyarrow as pa
import structlog

from store.journal.arrow import from_lines, newest_by
from store.journal.file import Group
from store.lance.opening import OpenTable
from store.lance.tables import Derivation, Table, read_all

_AT_ONCE = 1_000  # rows
_IN_ONE_GO, _REST_S = 8, 0.000_05
"""So many rows are a quarter of a millisecond; then whoever waits for Python's lock has it.

A rest of nothing would give it away and take it back before the other has woken up.
"""
_MANY = 5_000
"""So many source rows are a burst, with which the flush has to keep up: it takes no rest then."""
_logger = structlog.get_logger(__name__)


def merge_newest(opened: OpenTable, key: str, rows: pa.Table) -> None:
    """Put the newest of the rows with each key in the place of the table's row with that key."""
    if rows.num_rows:
        merge = opened.merge_insert(key).when_matched_update_all().when_not_matched_insert_all()
        merge.execute(newest_by(rows, key))


def derive(table: Table, derived: Derivation, groups: list[Group], rows: pa.Table) -> pa.Table:
    """The rows of `table` that the newest source row of each key leads to.

    `groups` are the source's rows as journalled, `rows` the same ones as Arrow.
    """
    newest = sorted(newest_by(rows, derived.key)["journal_n"].to_pylist())
    made: list[bytes] = []
    for group in groups:
        lines = group.body.split(b"\n")
        for number in newest[bisect_left(newest, group.first) : bisect_right(newest, group.last)]:
            row = orjson.loads(lines[number - group.first])
            made.append(orjson.dumps(derived.row(row | {"journal_n": number})))
            if rows.num_rows < _MANY and not len(made) % _IN_ONE_GO:
                time.sleep(_REST_S)
    return from_lines(table.schema, made)


def make_again(table: Table, derived: Derivation, opened: OpenTable, source: OpenTable) -> None:
    """Make those rows of `table` again that are not there, or older than the source's newest."""
    there = _numbers(opened, derived.key)
    newest = _numbers(source, derived.key)
    wanted = sorted(number for name, number in newest.items() if there.get(name, 0) < number)
    for at in range(0, len(wanted), _AT_ONCE):
        numbers = ", ".join(map(str, wanted[at : at + _AT_ONCE]))
        found = source.search().where(f"journal_n IN ({numbers})").limit(None).to_arrow()
        rows = [derived.row(row) for row in found.to_pylist()]
        merge_newest(opened, derived.key, pa.Table.from_pylist(rows, schema=table.schema))
    if wanted:
        _logger.warning(
            "a derived table was behind its source and was made again",
            table=table.name,
            source=derived.source,
            rows=len(wanted),
        )


def _numbers(opened: OpenTable, key: str) -> dict[str, int]:
    """The highest journal number of each value of the key."""
    rows = read_all(opened.search().select([key, "journal_n"]))
    newest = rows.group_by(key).aggregate([("journal_n", "max")])
    found = zip(newest[key].to_pylist(), newest["journal_n_max"].to_pylist(), strict=True)
    return {name: number or 0 for name, number in found}
