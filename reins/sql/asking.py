"""`sql`: what any process asks of the tables of its data folder."""

import atexit
import csv
import functools
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from reins.settings import current_settings
from reins.spreadsheet import cell
from reins.sql.errors import SqlUnavailableError, StatementError
from reins.sql.runner import SqlRunner, why_unavailable

_WHOLE = re.compile(r"-?\d+")

__all__ = ["SqlUnavailableError", "StatementError", "as_csv", "sql"]


def sql(statement: str, *, rows: int | None = None) -> dict[str, Any]:
    """The result of one SELECT over the tables of the data folder; see `SQL` in the reference.

    Shapes: `columns` of `name` and `type`, `rows` of values, `truncated`, `elapsed_ms`. The process
    that runs it stays for the next one, and ends with this process. Raises: StatementError,
    SqlUnavailableError.
    """
    settings = current_settings()
    if why := why_unavailable(settings):
        raise SqlUnavailableError(why)
    return _runner(settings.data, settings.sql_s, settings.sql_mb, settings.sql_rows).run(
        statement, rows=rows
    )


@functools.lru_cache(maxsize=4)
def _runner(_data: Path, _limit_s: float, _memory_mb: int, _rows: int) -> SqlRunner:
    runner = SqlRunner(current_settings())
    atexit.register(runner.stop)
    return runner


def as_csv(found: Mapping[str, Any]) -> str:
    """A result as CSV, with the names of the columns first; lists and objects as JSON."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([cell(column["name"]) for column in found["columns"]])
    writer.writerows([_csv_cell(value) for value in row] for row in found["rows"])
    return buffer.getvalue()


def _csv_cell(value: Any) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return value  # a number that JSON holds as a text, which is no formula
    return cell(value)
