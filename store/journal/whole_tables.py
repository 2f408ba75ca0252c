"""Whole tables as they were read, for a process that has in memory all that came since."""

import time
from collections.abc import Callable
from typing import NamedTuple

import pyarrow as pa

from store.journal.searching import Line

Since = Callable[[int], list[list[Line]] | None]
"""The rows above a number, of some tables; None where not all of them are in memory."""
_ASKED_AGAIN_S = 60.0
"""A table that nobody asks for again within this time is not kept."""


class _Read(NamedTuple):
    upto: int
    asked: float
    table: pa.Table | None


class WholeTables:
    """Keeps a table that is asked for again and again until some of what came since it was read is
    not in memory any more.
    """

    def __init__(self) -> None:
        self._read: dict[str, _Read] = {}

    def rows(
        self, name: str, since: Since, border: int, read: Callable[[], pa.Table]
    ) -> tuple[pa.Table, list[list[Line]]] | None:
        """The table's rows, and what came since; a row may be in both. None where not all of that
        is in memory.

        What has a number up to `border` is in the table that `read` reads.
        """
        self.settle()
        before = self._read.pop(name, None)
        now = time.monotonic()
        if before is not None and before.table is not None:
            lines = since(before.upto)
            if lines is not None:
                self._read[name] = before._replace(asked=now)
                return before.table, lines
        table = read()
        lines = since(border)
        self._read[name] = _Read(border, now, table if before is not None else None)
        return None if lines is None else (table, lines)

    def settle(self) -> None:
        """Drop what nobody has asked for again."""
        for name, each in list(self._read.items()):
            if each.asked < time.monotonic() - _ASKED_AGAIN_S:
                self._read.pop(name, None)
