"""Rows in memory: for tests, and for what may be lost with the process."""

import itertools
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from reins.kv.backend import Backend, Kept
from reins.kv.limits import MAX_PAGE_BYTES, end_of


class _Row(NamedTuple):
    body: bytes
    version: int
    seq: int


class MemoryKV(Backend):
    """Lost with the process."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._keys: list[str] = []
        self._versions = itertools.count(1)

    def __repr__(self) -> str:
        return "MemoryKV()"

    async def close(self) -> None:
        """Keeps the rows: they are the object's."""

    async def _find(self, key: str) -> Kept | None:
        row = self._rows.get(key)
        return (key, row.body, row.version) if row else None

    async def _write(self, key: str, body: bytes, guard: int | None) -> int:
        kept = self._rows.get(key)
        if guard is not None and guard != (kept.version if kept else 0):
            return 0
        return self._keep(key, body, kept.seq if kept else 0)

    async def _write_newer(self, key: str, body: bytes, seq: int) -> bool:
        kept = self._rows.get(key)
        if kept and kept.seq >= seq:
            return False
        self._keep(key, body, seq)
        return True

    async def _remove(self, key: str, guard: int | None) -> bool:
        kept = self._rows.get(key)
        if kept is None or guard not in (None, kept.version):
            return False
        del self._rows[key]
        del self._keys[bisect_left(self._keys, key)]
        return True

    async def _page(self, prefix: str, after: str, limit: int) -> Sequence[Kept]:
        found = between(self._keys, prefix, after)
        return list(page((key, *self._rows[key][:2]) for key in itertools.islice(found, limit)))

    def _keep(self, key: str, body: bytes, seq: int) -> int:
        if key not in self._rows:
            insort(self._keys, key)
        version = next(self._versions)
        self._rows[key] = _Row(body, version, seq)
        return version


def between(keys: Sequence[str], prefix: str, after: str) -> Iterator[str]:
    """Of sorted keys, those that begin with `prefix` and come after `after`."""
    first = max(bisect_left(keys, prefix), bisect_right(keys, after))
    end = end_of(prefix)
    last = len(keys) if end is None else bisect_left(keys, end)
    return (keys[at] for at in range(first, last))


def page(found: Iterable[Kept]) -> Iterator[Kept]:
    """The first of them, up to the one that passes the bytes of a page."""
    size_bytes = 0
    for kept in found:
        yield kept
        size_bytes += len(kept[1])
        if size_bytes >= MAX_PAGE_BYTES:
            return
