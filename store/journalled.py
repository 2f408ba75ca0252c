"""Rows as they are journalled, and as their tables have them."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

import orjson
import pyarrow as pa

from store import times
from store.journal.searching import Line
from store.lance.tables import STAMP, Row, Table

Derive = Callable[[Row], Row]
"""Makes a row of a table from a journalled one, of that table or of its source."""


def sources(table: Table) -> list[tuple[str, Derive]]:
    """The tables whose journalled rows are rows of this one, and what makes them that."""
    own: list[tuple[str, Derive]] = [(table.name, _as_it_is)]
    derived = table.derived
    return own if derived is None else [*own, (derived.source, derived.row)]


def rows_of(
    table: Table, lines: Iterable[Iterable[Line]], match: Mapping[str, str]
) -> Iterator[tuple[Derive, Row]]:
    """The rows of each source that fit, each with the function that makes it a row of the table."""
    for (_, derive), found in zip(sources(table), lines, strict=True):
        for row in matching(found, match):
            yield derive, row


def matching(lines: Iterable[Line], match: Mapping[str, str]) -> Iterable[Row]:
    """The rows whose columns equal `match`, each with its number."""
    # Parsing is what costs: look for the encoded values first.
    needles = [orjson.dumps(value) for value in match.values()]
    for number, line in lines:
        if all(needle in line for needle in needles):
            row = orjson.loads(line)
            if all(row.get(name) == value for name, value in match.items()):
                row["journal_n"] = number
                yield row


def _as_it_is(row: Row) -> Row:
    return row


def typed(table: Table) -> Callable[[Row], Row]:
    """Makes of a journalled row one as the table has it: all of its columns, its times as
    datetimes.
    """
    names, stamps = _columns(table.schema)

    def as_typed(row: Row) -> Row:
        made = {name: row.get(name) for name in names}
        for name in stamps:
            made[name] = _time(made[name])
        return made

    return as_typed


@functools.lru_cache(maxsize=64)
def _columns(schema: pa.Schema) -> tuple[list[str], list[str]]:
    return schema.names, [column.name for column in schema if column.type == STAMP]


def _time(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else times.from_us(microseconds)
