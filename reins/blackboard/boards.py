"""The boards of a worker, by name."""

import asyncio
from collections.abc import Mapping
from typing import Any

from agent_core.actions.boards import checked_board
from reins.blackboard.board import Board, BoardError, Entry
from reins.bus.topics import Topics
from reins.threads import READS
from store import kv
from store.store import Store

MAX_BOARDS = 256


class Boards:
    """All boards; everything here runs on the worker's loop. They are read at the first use."""

    def __init__(self, store: Store, topics: Topics) -> None:
        self._store = store
        self._topics = topics
        self._boards: dict[str, Board] | None = None
        self._lock = asyncio.Lock()

    async def get(self, board: str, key: str) -> Entry | None:
        """The value of a key with its version, as it is on disk; None where there is none."""
        return (await self.all(board)).get(key)

    async def all(self, board: str) -> Mapping[str, Entry]:
        """All values of a board by key, as they are on disk; none where nothing was ever put."""
        there = await self._read()
        return await there[board].all() if board in there else {}

    async def board(self, name: str) -> Board:
        """The board, made where there is none. Raises: BoardError for one too many."""
        there = await self._read()
        found = there.get(name)
        if found is None:
            written = sum(each.is_there for each in there.values())
            if written >= MAX_BOARDS:
                raise BoardError(
                    f"there are {written} boards, {MAX_BOARDS} at the most; use one of them, "
                    "with keys that begin alike"
                )
            found = there[name] = self._made(checked_board(name), None)
        return found

    async def _read(self) -> dict[str, Board]:
        if self._boards is None:
            async with self._lock:
                if self._boards is None:
                    self._boards = await self._read_all()
        return self._boards

    async def _read_all(self) -> dict[str, Board]:
        reader = self._store.reader
        names = await READS.call(kv.list_boards, store=reader)
        rows = await READS.call(kv.newest_rows, store=reader)
        by_name: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for row in rows:
            by_name.setdefault(row["board"], []).append(row)
        return {name: self._made(name, found) for name, found in by_name.items()}

    def _made(self, name: str, rows: list[dict[str, Any]] | None) -> Board:
        return Board(name, self._store, self._topics.get(kv.topic_of(name)), rows)
