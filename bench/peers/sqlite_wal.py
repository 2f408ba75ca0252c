"""The floor: asyncio tasks over SQLite, WAL, synchronous FULL, one commit for all that wait."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import orjson

from bench import work
from bench.peers.window import counted, on_disk

NAME = f"asyncio + SQLite {sqlite3.sqlite_version}"
DURABILITY = "WAL, synchronous FULL; the log's row is kept, the state is overwritten"
_TABLES = """
PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
CREATE TABLE steps (session INTEGER, seq INTEGER, text TEXT, PRIMARY KEY (session, seq))
  WITHOUT ROWID;
CREATE TABLE states (session INTEGER PRIMARY KEY, state BLOB);
"""
Row = tuple[int, int, str, bytes]


class Committer:
    """Takes rows from the loop; a thread commits all that wait, then their tasks go on."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.executescript(_TABLES)
        self._waiting: list[tuple[Row, asyncio.Future[None]]] = []
        self._there = asyncio.Event()

    def commit(self, row: Row) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, done))
        self._there.set()
        return done

    async def work(self) -> None:
        while True:
            await self._there.wait()
            self._there.clear()
            group, self._waiting = self._waiting, []
            await asyncio.to_thread(self._write, [row for row, _ in group])
            for _, done in group:
                done.set_result(None)

    def _write(self, rows: list[Row]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT INTO steps VALUES (?, ?, ?)", [row[:3] for row in rows])
        self._db.executemany(
            "INSERT OR REPLACE INTO states VALUES (?, ?)", [(row[0], row[3]) for row in rows]
        )
        self._db.execute("COMMIT")

    def close(self) -> None:
        self._db.close()


async def run(data: Path, *, sessions: int, seconds: float) -> dict[str, Any]:
    """Ticks of `sessions` tasks, each of which waits for its commit before it goes on."""
    committer = Committer(data / "floor.sqlite")
    done = [0] * sessions

    async def session(me: int) -> None:
        kept, number = work.notes(me), 0
        while True:
            number += 1
            said = work.text(number, me)
            await committer.commit((me, number, said, orjson.dumps(work.state(number, said, kept))))
            done[me] = number

    working = asyncio.create_task(committer.work())
    tasks = [asyncio.create_task(session(me)) for me in range(sessions)]
    figures = await counted(lambda: sum(done), seconds)
    for task in tasks:
        task.cancel()
    await asyncio.sleep(0.2)  # the commit in flight
    working.cancel()
    committer.close()
    return {"name": NAME, "durability": DURABILITY, **figures, **on_disk(data, sum(done))}
