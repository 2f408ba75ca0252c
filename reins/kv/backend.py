"""All that stores have in common: checks before a step, conflicts after one that was refused."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, TypeAlias

import orjson

from reins.kv import limits
from reins.kv.errors import ConflictError
from reins.kv.protocol import ABSENT, Entry, Expected, Row

Kept: TypeAlias = tuple[str, bytes | str, int]
"""Key, JSON and version, as a store keeps them."""


class Backend(ABC):
    """A store by six steps, each of them atomic. A guard is a version, 0 for none, None for any."""

    @abstractmethod
    async def _find(self, key: str) -> Kept | None: ...

    @abstractmethod
    async def _write(self, key: str, body: bytes, guard: int | None) -> int:
        """The new version; 0 where the guard refuses."""

    @abstractmethod
    async def _write_newer(self, key: str, body: bytes, seq: int) -> bool: ...

    @abstractmethod
    async def _remove(self, key: str, guard: int | None) -> bool: ...

    @abstractmethod
    async def _page(self, prefix: str, after: str, limit: int) -> Sequence[Kept]: ...

    @abstractmethod
    async def close(self) -> None: ...

    async def get(self, key: str) -> Entry | None:
        limits.check_key(key)
        kept = await self._find(key)
        return Entry(orjson.loads(kept[1]), kept[2]) if kept else None

    async def put(self, key: str, value: Any, *, expect: Expected = None) -> int:
        limits.check_key(key)
        body, guard = limits.encode(key, value), limits.guard_of(expect)
        while not (version := await self._write(key, body, guard)):
            await self._refuse(key, guard)
        return version

    async def put_newer(self, key: str, value: Any, seq: int) -> bool:
        limits.check_key(key)
        limits.check_seq(seq)
        return await self._write_newer(key, limits.encode(key, value), seq)

    async def delete(self, key: str, *, expect: int | None = None) -> bool:
        limits.check_key(key)
        guard = limits.guard_of(expect)
        while not await self._remove(key, guard):
            if guard is None:
                return False
            await self._refuse(key, guard)
        return True

    async def scan(self, prefix: str = "", *, after: str = "", limit: int = 100) -> list[Row]:
        limits.check_text(prefix, "prefix")
        limits.check_text(after, "after")
        limits.check_limit(limit)
        found = await self._page(prefix, after, limit)
        return [Row(key, orjson.loads(body), version) for key, body, version in found]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _refuse(self, key: str, guard: int | None) -> None:
        """Raises: ConflictError, unless the guard holds by now after all."""
        kept = await self._find(key)
        found = kept[2] if kept else 0
        if found != guard:
            raise ConflictError(key, guard or ABSENT, found or ABSENT)
