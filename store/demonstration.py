"""The mark of rows that no model has answered: those of the offline demonstration."""

from collections.abc import Mapping
from typing import Any

_MARK = '"demonstration":true'  # as the worker writes it; within a text its quotes are escaped


def marked(row: dict[str, Any], column: str) -> dict[str, Any]:
    """The row with a field `demonstration`, read from its JSON in `column`."""
    row["demonstration"] = is_marked(row, column)
    return row


def is_marked(row: Mapping[str, Any], column: str) -> bool:
    """True if the JSON in `column` says so."""
    return _MARK in (row.get(column) or "")
