"""The memories of agents and of all, as every session of a worker sees them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from reins.threads import READS
from store.memories import list_memories
from store.reading import Reader
from store.store import Store

if TYPE_CHECKING:
    from reins.mind import Memories, MemoryRow
    from reins.mind.memories import Version
    from store.journal.file import Record

Kept = dict[str, "tuple[Version, ...]"]


class SharedMemories:
    """The newest versions of memories of the scopes `agent` and `shared`, in memory.

    `load` reads them once, before sessions look. One change is committed at a time: a version is
    given once, and whoever has counted on another is told. What a mind is made of is imported with
    the first memory: it takes 50 ms.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = asyncio.Lock()
        self._agents: dict[str, Kept] = {}
        self._shared: Kept = {}
        self._is_stale = True

    async def load(self) -> None:
        """Read them, unless they are read."""
        if self._is_stale:
            async with self._lock:
                await self._load()

    def view(self, agent_id: str) -> "Memories":
        """The memories that sessions of an agent have beside their own."""
        from reins.mind import Memories  # noqa: PLC0415

        return Memories(agent=self._agents.get(agent_id, {}), shared=self._shared)

    def has_some(self, agent_id: str) -> bool:
        """True where there is anything to be seen, or was."""
        return bool(self._shared or self._agents.get(agent_id))

    @asynccontextmanager
    async def writing(self, agent_id: str, rows: Sequence["MemoryRow"]) -> AsyncIterator[bool]:
        """True where these rows still follow what there is; they are to be committed within it."""
        async with self._lock:
            await self._load()
            if not self._follow(agent_id, rows):
                yield False
                return
            try:
                yield True
            except BaseException:
                self._is_stale = True  # they may be on disk all the same
                raise
            self._take(agent_id, rows)

    async def change(
        self, agent_id: str, make: Callable[["Memories"], "tuple[MemoryRow, Record]"]
    ) -> int:
        """Commit the row that `make` gives for what there is; returns its version.

        Raises: what `make` raises, and StoreError, after which it may be on disk all the same.
        """
        async with self._lock:
            await self._load()
            row, record = make(self.view(agent_id))
            self._is_stale = True
            await self._store.journal.append(record)
            self._is_stale = False
            self._take(agent_id, [row])
            return row.version

    def _follow(self, agent_id: str, rows: Sequence["MemoryRow"]) -> bool:
        view = self.view(agent_id)
        versions: dict[tuple[str, str], int] = {}
        for row in rows:
            place = row.scope, row.key
            before = versions.get(place, view.version(row.key, row.scope))
            if row.version != before + 1:
                return False
            versions[place] = row.version
        return True

    def _take(self, agent_id: str, rows: Sequence["MemoryRow"]) -> None:
        after = self.view(agent_id).followed_by(*rows)
        self._agents[agent_id], self._shared = after.agent, after.shared

    async def _load(self) -> None:
        if self._is_stale:
            rows = await READS.call(_read, self._store.reader)
            agents: dict[str, Kept] = {}
            shared: Kept = {}
            if rows:
                shared = _folded(rows, "shared", None)
                for name in {row["agent_id"] for row in rows if row["scope"] == "agent"}:
                    agents[name] = _folded(rows, "agent", name)
            self._agents, self._shared, self._is_stale = agents, shared, False


def _read(reader: Reader) -> list[dict[str, Any]]:
    return [
        row for scope in ("agent", "shared") for row in list_memories(scope=scope, store=reader)
    ]


def _folded(rows: Sequence[dict[str, Any]], scope: str, agent_id: str | None) -> Kept:
    from reins.mind import fold_memories, memories_from  # noqa: PLC0415

    own = [row for row in rows if row["scope"] == scope and agent_id in (None, row["agent_id"])]
    folded = fold_memories(memories_from(own))
    return folded.shared if scope == "shared" else folded.agent
