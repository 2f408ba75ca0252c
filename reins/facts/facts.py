"""The facts of a worker: the graphs of owners in memory, read when they are asked for."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from reins.facts.fact import Op
from reins.facts.graph import Graph
from reins.facts.near import NearNames
from reins.facts.rows import SHARED, Owner, of_agent, ops_from, record_of, rows_of
from reins.facts.view import View
from reins.threads import READS
from store.reading import Reader
from store.store import Store

MAX_FACTS = 250_000
"""Of one owner: what a session, an agent or all together may have asserted."""


@dataclass(slots=True)
class _Kept:
    graph: Graph
    near: NearNames


@dataclass(frozen=True, slots=True)
class FactsFigures:
    """Facts in memory, about how many bytes they take, of how many owners, and how often one was
    read from its table.
    """

    facts: int = 0
    size_bytes: int = 0
    owners: int = 0
    reads: int = 0


class Facts:
    """All facts; everything here runs on the worker's loop.

    An owner's graph is read at its first use, and follows what is committed. Together they hold
    `most` facts: those that were used longest ago are let go, and read again. Changes need no
    order among each other, so nobody waits for a lock: the fold of the same rows is the same.
    """

    def __init__(self, store: Store, most: int = 300_000) -> None:
        self._store, self._most = store, most
        self._kept: OrderedDict[Owner, _Kept] = OrderedDict()
        self._reading: dict[Owner, asyncio.Future[_Kept]] = {}
        self._meanwhile: dict[Owner, list[Op]] = {}
        self._reads = 0

    async def view(self, *owners: Owner) -> View:
        """The facts of these owners, the nearest first."""
        found = [(each.scope, (await self._of(each)).graph) for each in owners]
        self._let_go(owners)
        return View(found)

    async def near(self, *owners: Owner) -> list[NearNames]:
        """The names of these owners, for comparing."""
        return [(await self._of(each)).near for each in owners]

    @asynccontextmanager
    async def committing(self, changes: Mapping[Owner, Sequence[Op]]) -> AsyncIterator[None]:
        """Within it these changes are committed; then they are seen."""
        try:
            yield
        except BaseException:
            for owner in changes:
                self._kept.pop(owner, None)  # they may be on disk all the same
            raise
        for owner, ops in changes.items():
            if owner in self._meanwhile:
                self._meanwhile[owner] += ops
            if owner in self._kept:
                self._kept[owner].graph.take(ops)

    async def commit(self, changes: Mapping[Owner, Sequence[Op]]) -> None:
        """Commit changes by themselves, with no row of a log; all or none."""
        records = [
            record_of(op, owner, owner, None) for owner, ops in changes.items() for op in ops
        ]
        async with self.committing(changes):
            await self._store.journal.append(*records)

    @property
    def reader(self) -> Reader:
        """The reader of the table."""
        return self._store.reader

    def figures(self) -> FactsFigures:
        """How much is in memory. Safe from any thread."""
        kept = [each.graph for each in list(self._kept.values())]
        size = sum(each.size_bytes for each in kept)
        return FactsFigures(sum(map(len, kept)), size, len(kept), self._reads)

    async def _of(self, owner: Owner) -> _Kept:
        found = self._kept.get(owner)
        if found is not None:
            self._kept.move_to_end(owner)
            return found
        reading = self._reading.get(owner)
        if reading is None:
            reading = self._reading[owner] = asyncio.ensure_future(self._read(owner))
        return await asyncio.shield(reading)

    async def _read(self, owner: Owner) -> _Kept:
        self._meanwhile[owner] = []
        try:
            graph = await READS.call(_read, owner, self._store.reader)
            graph.take(self._meanwhile[owner])
            kept = self._kept[owner] = _Kept(graph, NearNames(graph))
            self._reads += 1
        finally:
            del self._meanwhile[owner], self._reading[owner]
        return kept

    def _let_go(self, in_use: Sequence[Owner]) -> None:
        held = sum(len(each.graph) for each in self._kept.values())
        for owner in list(self._kept):
            if held <= self._most:
                return
            if owner not in in_use:
                held -= len(self._kept.pop(owner).graph)


def owners_of(session: Owner) -> tuple[Owner, Owner, Owner]:
    """Those whose facts a session sees, the nearest first."""
    return session, of_agent(session.agent_id), SHARED


def _read(owner: Owner, reader: Reader) -> Graph:
    return Graph(ops_from(rows_of(owner, 0, reader)))
