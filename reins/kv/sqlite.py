"""Rows in one SQLite file, which several processes share."""

import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reins import jitter
from reins.kv.backend import Backend, Kept
from reins.kv.errors import KVError, UnavailableError
from reins.kv.limits import end_of
from reins.kv.memory import page
from reins.kv.one_thread import OneThread

# AUTOINCREMENT: a number is never given out twice, also where the row that had it is gone.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS kv (
    version INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL,
    value BLOB NOT NULL)
"""
_FIND = "SELECT key, value, version FROM kv WHERE key = :key"
_WRITE = """
INSERT OR REPLACE INTO kv (key, seq, value)
SELECT :key, coalesce((SELECT seq FROM kv WHERE key = :key), 0), :value
WHERE :guard IS NULL OR :guard = coalesce((SELECT version FROM kv WHERE key = :key), 0)
RETURNING version
"""
_WRITE_NEWER = """
INSERT OR REPLACE INTO kv (key, seq, value) SELECT :key, :seq, :value
WHERE :seq > coalesce((SELECT seq FROM kv WHERE key = :key), 0) RETURNING version
"""
_REMOVE = "DELETE FROM kv WHERE key = :key AND (:guard IS NULL OR version = :guard) RETURNING key"
_PAGE = """
SELECT key, value, version FROM kv
WHERE key >= :prefix AND key > :after AND (:end IS NULL OR key < :end) ORDER BY key LIMIT :limit
"""
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY = 0xFF  # the rest of a code says more of the same


class SqliteKV(Backend):
    """A write is on disk when it has returned (WAL, synced)."""

    def __init__(self, path: Path | str, *, timeout_s: float = 5.0) -> None:
        self.path = Path(path).expanduser().absolute()
        self._timeout_s = timeout_s
        self._thread = OneThread("sqlite")
        self._opened: sqlite3.Connection | None = None

    def __repr__(self) -> str:
        return f"SqliteKV({str(self.path)!r})"

    async def close(self) -> None:
        await self._thread.close(self._close)

    async def _find(self, key: str) -> Kept | None:
        found = await self._run(_FIND, key=key)
        return found[0] if found else None

    async def _write(self, key: str, body: bytes, guard: int | None) -> int:
        found = await self._run(_WRITE, key=key, value=body, guard=guard)
        return int(found[0][0]) if found else 0

    async def _write_newer(self, key: str, body: bytes, seq: int) -> bool:
        return bool(await self._run(_WRITE_NEWER, key=key, value=body, seq=seq))

    async def _remove(self, key: str, guard: int | None) -> bool:
        return bool(await self._run(_REMOVE, key=key, guard=guard))

    async def _page(self, prefix: str, after: str, limit: int) -> Sequence[Kept]:
        given = {"prefix": prefix, "after": after, "end": end_of(prefix), "limit": limit}
        return await self._run(_PAGE, **given)

    async def _run(self, statement: str, **given: Any) -> list[Any]:
        return await self._thread.run(self._step, statement, given)

    def _step(self, statement: str, given: dict[str, Any]) -> list[Any]:
        try:
            cursor = self._connection().execute(statement, given)
            # All of it: only then is a statement that returns rows committed.
            return list(page(cursor)) if statement is _PAGE else cursor.fetchall()
        except (sqlite3.Error, OSError) as error:
            raise self._failed(error) from error

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The owner's alone, and so are the files that SQLite puts beside it.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._opened = self._open(time.monotonic() + self._timeout_s)
        return self._opened

    def _open(self, deadline: float) -> sqlite3.Connection:
        while True:
            connection = sqlite3.connect(
                self.path, timeout=self._timeout_s, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute(_SCHEMA)
            except sqlite3.Error as error:
                connection.close()
                # Turning a new file to WAL does not wait for another process that does the same.
                if _code(error) not in _BUSY or time.monotonic() >= deadline:
                    raise
                time.sleep(jitter.between(0.005, 0.05))
            else:
                return connection

    def _close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _failed(self, error: Exception) -> KVError:
        if _code(error) in _BUSY:
            return UnavailableError(
                f"{self.path} has been locked for {self._timeout_s:g} s: {error}. Is a process "
                "that writes to it stopped? Let it go on, or end it, and try again"
            )
        if _code(error) in _DAMAGED:
            return KVError(f"{self.path} is damaged, or no SQLite file: {error}. Restore it")
        return KVError(
            f"{self.path} cannot be used: {error}. Check that its disk has room, and that this "
            "user may read and write the file and its folder"
        )


def _code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & _PRIMARY
