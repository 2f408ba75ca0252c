"""Sizes of the tables; kept for a while, since each count walks their folders."""

import threading
import time
from typing import NamedTuple

from store.local_path import bytes_in
from store.reading import Reader
from store.store import TABLES

_KEPT_S = 10.0


class Size(NamedTuple):
    """A table's rows, without those still in the journal, and its bytes on disk."""

    name: str
    rows: int
    size_bytes: int


class Sizes:
    """The sizes of a folder's tables, at most ten seconds old; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: list[Size] = []
        self._until = 0.0

    def current(self, store: Reader) -> list[Size]:
        with self._lock:
            if time.monotonic() >= self._until:
                self._found = _sizes(store)
                self._until = time.monotonic() + _KEPT_S
            return self._found


def _sizes(store: Reader) -> list[Size]:
    return [
        Size(table.name, opened.count_rows(), bytes_in(store.folder.path / f"{table.name}.lance"))
        for table in TABLES
        if (opened := store.table(table)) is not None
    ]
