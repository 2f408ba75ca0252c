"""A program: one SELECT on a SQLite file that comes to its input, behind a line that says what.

It runs in a process of its own: within one step SQLite looks at no clock, and a file may be made to
break it. Imports nothing of ours, so that it starts within some milliseconds.
"""

import json
import os
import resource
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

MEMORY_BYTES = 512 << 20
"""For the file, and for what a query holds beside it: nothing of it goes to a disk."""
_REFUSED = 3
_STEPS = 10_000
"""Instructions of SQLite between two looks at the clock."""
_CELL = 300
_VALUE_BYTES = 4 << 20
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: _VALUE_BYTES,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 20_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 20,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
_PRAGMAS = {"table_info", "table_xinfo", "table_list", "index_list", "index_info"}
_FORBIDDEN = {"load_extension", "fts3_tokenizer"}
_WAL = b"\2"


class QueryError(Exception):
    """The query gave nothing, for a reason in words."""


def asked(order: dict[str, Any], content: bytes) -> list[str]:
    """Lines of the answer. Raises: QueryError."""
    with closing(sqlite3.connect(":memory:")) as database:
        _load(database, order, content)
        try:
            return _told(database, order)
        except MemoryError:
            raise QueryError(
                f"the query needs more than {MEMORY_BYTES >> 20} MiB; ask for less"
            ) from None
        except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
            raise QueryError(_words(error, order["time_s"])) from None


def _load(database: sqlite3.Connection, order: dict[str, Any], content: bytes) -> None:
    path = order["path"]
    if not content.startswith(b"SQLite format 3\0"):
        raise QueryError(f"{path} is no SQLite file")
    if content[18:19] == _WAL:  # in memory it has no write-ahead log
        content = content[:18] + b"\1\1" + content[20:]
    try:
        database.deserialize(content)
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA query_only = ON")
        database.execute("PRAGMA temp_store = MEMORY")
        database.execute(f"PRAGMA hard_heap_limit = {MEMORY_BYTES}")
    except (sqlite3.Error, MemoryError) as error:
        raise QueryError(f"{path} cannot be read: {error}") from None
    for limit, value in _LIMITS.items():
        database.setlimit(limit, value)
    over_at = time.monotonic() + order["time_s"]
    database.set_progress_handler(lambda: time.monotonic() > over_at, _STEPS)
    database.set_authorizer(_authorized)


def _authorized(action: int, first: str | None, second: str | None, *_: object) -> int:
    allowed = action in _ALLOWED
    if action == sqlite3.SQLITE_FUNCTION:
        allowed = second not in _FORBIDDEN
    elif action == sqlite3.SQLITE_PRAGMA:
        allowed = (first or "").lower() in _PRAGMAS
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _told(database: sqlite3.Connection, order: dict[str, Any]) -> list[str]:
    found = database.execute(order["sql"], order["parameters"])
    names = [each[0] for each in found.description or ()]
    told, room = [" | ".join(names)], order["shown_bytes"]
    for count, line in enumerate(_lines(found)):
        room -= len(line)
        if count == order["most"] or room < 0:
            return [*told, f"[the first {count} rows; ask for less, or count them]"]
        told.append(line)
    return [*told, f"[{len(told) - 1} rows]"]


def _lines(rows: sqlite3.Cursor) -> Iterator[str]:
    for row in rows:
        yield " | ".join(map(_cell, row))


def _cell(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"(blob of {len(value):,} bytes)"
    text = str(value)
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= _CELL else f"{text[:_CELL]}… ({len(text):,} characters)"


def _words(error: Exception, time_s: float) -> str:
    said = str(error)
    if said == "interrupted":
        return f"the query took longer than {time_s:g} s; ask for less"
    if "not authorized" in said or "prohibited" in said:
        return f"{said}: only one SELECT is allowed; the file is read, and never changed"
    return f"the query failed: {said}"


def main(answer: int) -> int:
    """Write the answer, or why there is none, to that descriptor."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    order = json.loads(sys.stdin.buffer.readline())
    code = 0
    try:
        text = "\n".join(asked(order, sys.stdin.buffer.read()))
    except QueryError as error:
        text, code = str(error), _REFUSED
    with os.fdopen(answer, "wb") as file:
        file.write(text.encode("utf-8", "backslashreplace"))
    return code


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
