"""Rows of the journal's file by table and key: of all others, only the keys are read."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from store.journal import keys
from store.journal.opening import one_moment

_PART = 8
"""Rows are read one by one where they are fewer than this part of their group."""

Line = tuple[int, bytes]
"""A record's number and its row as JSON."""


class _Head(NamedTuple):
    """A group without its body."""

    first: int
    rows: int
    keys: bytes


def pending(
    connection: sqlite3.Connection, table: str, key: str | None, *, newest: bool
) -> list[Line]:
    """The rows of a table that may have the key, oldest first; None: of any key.

    `newest`: only the newest row of each key. A row of no known key is among them.
    """
    # Those of an older Reins, and of programs that know nothing of keys, have none.
    query = "SELECT first, rows, coalesce(keys, x'') FROM record_group WHERE tbl = ?1"
    if key is not None:
        query += " AND (instr(keys, ?2) OR instr(keys, ?3) OR keys IS NULL)"
    digest = keys.digest(key or "")
    values = (table, digest, keys.UNKNOWN) if key is not None else (table,)
    with one_moment(connection):
        heads = [_Head(*each) for each in connection.execute(f"{query} ORDER BY first", values)]
        found = keys.wanted(heads, key, newest=newest)
        return [line for head, places in found for line in _lines(connection, head, places)]


def _lines(connection: sqlite3.Connection, head: _Head, places: Sequence[int]) -> Iterator[Line]:
    if head.keys and len(places) * _PART <= head.rows:
        query = "SELECT ends FROM record_group WHERE first = ?"
        (ends,) = connection.execute(query, (head.first,)).fetchone()
        with connection.blobopen("record_group", "body", head.first, readonly=True) as body:
            for place in places:
                at, size_bytes = keys.span(ends, place)
                body.seek(at)
                yield head.first + place, body.read(size_bytes)
        return
    query = "SELECT CAST(body AS BLOB) FROM record_group WHERE first = ?"
    (whole,) = connection.execute(query, (head.first,)).fetchone()
    lines = whole.split(b"\n")
    # What is damaged may have lost lines; the flush says so.
    yield from ((head.first + at, lines[at]) for at in places if at < len(lines))
