"""One board: its values in memory, and its changes, each in one commit with its announcement."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from agent_core.actions.boards import MAX_VALUE_BYTES
from reins.bus.task_lock import TaskLock
from reins.bus.topic import Draft, Topic
from reins.threads import READS
from store import kv
from store.journal.file import Record
from store.store import Store
from store.times import now_us

MAX_KEYS = 1_000
MAX_BOARD_BYTES = 1024 * 1024


class BoardError(ValueError):
    """The change cannot be made; nothing was written."""


class ConflictError(BoardError):
    """Another version is there than was expected. `found` is what is there; None: nothing."""

    def __init__(self, message: str, found: "Entry | None") -> None:
        super().__init__(message)
        self.found = found


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of a board. `version` is the number of its change on the board's topic."""

    key: str
    value: Any
    version: int


@dataclass(frozen=True, slots=True)
class Change:
    """A key's new value; None deletes it. `expect`: the version that must be there, 0: none.

    `again`: the change of this id may be on disk already, and counts once.
    """

    key: str
    value: Any
    author: str
    expect: int | None = None
    message_id: str = ""
    origin: str = ""
    agent_id: str | None = None
    session_id: str | None = None
    again: bool = False

    def draft(self) -> Draft:
        """Its announcement."""
        told = {"deleted": True} if self.value is None else {"value": self.value}
        return Draft(
            author=self.author, message={"key": self.key, **told}, message_id=self.message_id,
            origin=self.origin, agent_id=self.agent_id, session_id=self.session_id,
            again=self.again,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Changed:
    """A change on its way: its version, and the records to commit. Without records it was on disk
    before.
    """

    version: int
    records: Sequence[Record]


class Board:
    """The values of one board; everything here runs on the worker's loop."""

    def __init__(
        self,
        name: str,
        store: Store,
        topic: Topic,
        rows: Iterable[Mapping[str, Any]] | None = None,
    ) -> None:
        """`rows` are its values; None for one that nobody has written to."""
        self.name = name
        self._store = store
        self._topic = topic
        self._lock = TaskLock()
        self._was_there = rows is not None
        self._entries = _entries(rows or ())
        self._coming: dict[str, Entry | None] = {}
        self._loaded = True

    @property
    def is_there(self) -> bool:
        """True once anything was written to it."""
        return self._was_there or self._topic.is_there

    @asynccontextmanager
    async def changing(self, change: Change) -> AsyncIterator[Changed]:
        """The records of a change, to be committed within the context.

        Nobody else changes the board meanwhile; whoever does so may change more. Raises:
        ConflictError; BoardError for more than a board holds.
        """
        async with self._lock:
            await self._load()
            if not change.again:
                self._check(change)
            try:
                async with self._topic.adding([change.draft()]) as added:
                    if added.records:
                        self._check(change)
                    yield self._take(change, added.numbers[0], added.records)
            except BaseException:
                self._loaded = False  # it may be on disk all the same: read before the next one
                raise
            finally:
                if self._lock.is_outermost:
                    self._settle()

    async def commit(self, change: Change) -> int:
        """Make a change by itself; returns its version. Raises: as `changing`."""
        async with self.changing(change) as changed:
            if changed.records:
                await self._store.journal.append(*changed.records)
        return changed.version

    async def get(self, key: str) -> Entry | None:
        """The value of a key, as it is on disk; None where there is none."""
        return (await self.all()).get(key)

    async def all(self) -> Mapping[str, Entry]:
        """All values by key, as they are on disk."""
        if not self._loaded:
            async with self._lock:
                await self._load()
        return self._entries

    # -- changing

    def _now(self, key: str) -> Entry | None:
        return self._coming[key] if key in self._coming else self._entries.get(key)

    def _check(self, change: Change) -> None:
        found = self._now(change.key)
        there = 0 if found is None else found.version
        if change.expect is not None and change.expect != there:
            raise ConflictError(
                f"key {change.key!r} of board {self.name} is at version {there}, expected "
                f"{change.expect}; read it, and decide again",
                found,
            )
        if change.value is None:
            if found is None:
                raise BoardError(f"board {self.name} has no key {change.key!r}; nothing to delete")
            return
        others = {**self._entries, **self._coming, change.key: None}.values()
        held = [each for each in others if each is not None]
        if len(held) >= MAX_KEYS:
            raise BoardError(
                f"board {self.name} has {len(held)} keys, {MAX_KEYS} at the most; delete some, or "
                "use another board"
            )
        room = MAX_BOARD_BYTES - sum(_size(each.value) for each in held)
        if (size_bytes := _size(change.value)) > min(room, MAX_VALUE_BYTES):
            raise BoardError(
                f"the value has {size_bytes} bytes as JSON, and board {self.name} has room for "
                f"{min(room, MAX_VALUE_BYTES)}; keep what is large in a file, or delete something"
            )

    def _take(self, change: Change, version: int, records: Sequence[Record]) -> Changed:
        if not records:
            return Changed(version, ())
        deletes = change.value is None
        self._coming[change.key] = None if deletes else Entry(change.key, change.value, version)
        row = {
            "kv_id": kv.kv_id(self.name, change.key),
            "board": self.name,
            "key": change.key,
            "value": None if deletes else orjson.dumps(change.value).decode(),
            "version": version,
            "written_by": change.author,
            "written_at": now_us(),
            "agent_id": change.agent_id,
            "session_id": change.session_id,
            "action_id": None if change.session_id else change.message_id or None,
        }
        return Changed(version, [*records, kv.record(row)])

    def _settle(self) -> None:
        coming, self._coming = self._coming, {}
        if self._loaded:
            self._entries = {
                key: entry
                for key, entry in {**self._entries, **coming}.items()
                if entry is not None
            }

    async def _load(self) -> None:
        if not self._loaded:
            found = await READS.call(kv.list_values, self.name, store=self._store.reader)
            self._entries, self._loaded = _entries(found), True


def _entries(rows: Iterable[Mapping[str, Any]]) -> dict[str, Entry]:
    return {row["key"]: Entry(row["key"], row["value"], row["version"]) for row in rows}


def _size(value: Any) -> int:
    return len(orjson.dumps(value))
