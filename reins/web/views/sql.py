"""A result of SQL as the API answers it."""

from typing import Any

from reins.web.views.rows import Wire


class SqlColumn(Wire):
    """A column by its name, and by its type as SQL has it."""

    name: str
    type: str


class SqlResult(Wire):
    """The rows, in the order of the statement; `truncated` where there are more than are sent."""

    columns: list[SqlColumn]
    rows: list[list[Any]]
    truncated: bool
    elapsed_ms: float
