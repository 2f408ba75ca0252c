"""Queries of a SQLite file in the workspace: read-only, and bounded in time, rows and bytes.

The file is read as a whole through the workspace and queried in memory: SQLite opens by name, and
a name may lead elsewhere a moment later.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Annotated, Any

from pydantic import Field

from reins.tools.builtin.files import Path, workspace
from reins.tools.context import Context
from reins.tools.declaring import tool
from reins.tools.outcome import ToolError

_FILE_BYTES = 64 << 20
_TIME_S = 5.0
_STEPS = 10_000
"""Instructions of SQLite between two looks at the clock."""
_CELL = 300
_SHOWN_BYTES = 64 << 10
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
_WAL = 2
Value = str | int | float | bool | None


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None, at_once=2)
def query_database(
    context: Context,
    path: Path,
    sql: Annotated[str, Field(min_length=1, max_length=20_000, description="one SELECT")],
    parameters: Annotated[
        list[Value] | None, Field(max_length=100, description="for each ? in it")
    ] = None,
    most: Annotated[int, Field(ge=1, le=1_000)] = 100,
) -> str:
    """Query a SQLite file of the workspace with one SELECT; its tables are in sqlite_master."""
    with workspace(context) as here:
        content = here.read(path, _FILE_BYTES)
        log = here.size(f"{path}-wal")
    with closing(sqlite3.connect(":memory:")) as database:
        _load(database, path, content)
        try:
            told = _told(database, sql, parameters or [], most)
        except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
            raise ToolError(_words(error)) from None
    if log:
        told.append(f"[{path}-wal holds changes that are not read here]")
    return "\n".join(told)


def _load(database: sqlite3.Connection, path: str, content: bytes) -> None:
    if not content.startswith(b"SQLite format 3\0"):
        raise ToolError(f"{path} is no SQLite file")
    if content[18] == _WAL:  # in memory it has no write-ahead log
        content = content[:18] + b"\1\1" + content[20:]
    try:
        database.deserialize(content)
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        raise ToolError(f"{path} cannot be read: {error}") from None
    for limit, value in _LIMITS.items():
        database.setlimit(limit, value)
    over_at = time.monotonic() + _TIME_S
    database.set_progress_handler(lambda: time.monotonic() > over_at, _STEPS)
    database.set_authorizer(_authorized)


def _authorized(action: int, first: str | None, second: str | None, *_: object) -> int:
    allowed = action in _ALLOWED
    if action == sqlite3.SQLITE_FUNCTION:
        allowed = second not in _FORBIDDEN
    elif action == sqlite3.SQLITE_PRAGMA:
        allowed = (first or "").lower() in _PRAGMAS
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _told(database: sqlite3.Connection, sql: str, parameters: list[Value], most: int) -> list[str]:
    found = database.execute(sql, parameters)
    names = [each[0] for each in found.description or ()]
    told, room = [" | ".join(names)], _SHOWN_BYTES
    for count, line in enumerate(_lines(found)):
        room -= len(line)
        if count == most or room < 0:
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


def _words(error: Exception) -> str:
    said = str(error)
    if said == "interrupted":
        return f"the query took longer than {_TIME_S:g} s; ask for less"
    if "not authorized" in said or "prohibited" in said:
        return f"{said}: only one SELECT is allowed; the file is read, and never changed"
    return f"the query failed: {said}"
