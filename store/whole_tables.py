"""Whole tables as they were read once, for a process that has in memory all that came since."""

from collections.abc import Callable, Sequence

import pyarrow as pa

from store.journal.memory import Memory
from store.journal.searching import Line


class WholeTables:
    """Keeps what it has read until some of what came since is not in memory any more."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[int, pa.Table]] = {}

    def newest(
        self, name: str, sources: Sequence[str], memory: Memory, read: Callable[[], pa.Table]
    ) -> tuple[pa.Table, list[list[Line]]] | None:
        """The table's rows, and the newest of each key that came since in each of its sources; a
        row may be in both. None where memory does not have those.

        `read` reads the table.
        """
        if name in self._read:
            number, table = self._read[name]
            if (since := memory.since(sources, number)) is not None:
                return table, since
            self._read.pop(name, None)
        # Before the table is read: what it has beyond this number is in both.
        border = memory.forgotten_upto()
        if border is None:
            return None
        table = read()
        since = memory.since(sources, border)
        if since is None:
            return None
        self._read[name] = border, table
        return table, since
