"""DBOS: a workflow a session, each of whose ticks is a step."""

import asyncio
import sqlite3
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dbos import DBOS, SetWorkflowID

from bench import work
from bench.peers.window import counted, on_disk

NAME = f"DBOS {version('dbos')} on SQLite"
DURABILITY = "a step's result is committed before the workflow goes on; WAL, set by us, FULL"
_done: dict[int, int] = {}
_begin = asyncio.Event()


@DBOS.step()
async def tick(session: int, number: int) -> dict[str, Any]:
    """Returns what DBOS keeps."""
    said = work.text(number, session)
    return {"text": said, "state": work.state(number, said, work.notes(session))}


@DBOS.workflow()
async def lives(session: int) -> None:
    """Tick for ever, once all are started; a step that has returned is on record."""
    await _begin.wait()
    number = 0
    while True:
        number += 1
        await tick(session, number)
        _done[session] = number


async def run(data: Path, *, sessions: int, seconds: float) -> dict[str, Any]:
    """Steps of `sessions` workflows on one loop."""
    with closing(sqlite3.connect(data / "dbos.sqlite")) as database:
        database.execute("PRAGMA journal_mode = WAL")  # stays; its own default is slower
    address = f"sqlite:///{data / 'dbos.sqlite'}"
    DBOS(config={
        "name": "bench", "system_database_url": address, "run_admin_server": False,
        "log_level": "ERROR",
    })  # fmt: skip
    DBOS.launch()
    for session in range(sessions):
        with SetWorkflowID(f"session-{session}"):
            await DBOS.start_workflow_async(lives, session)
    _begin.set()  # or those that tick would hold up the starts of the others
    figures = await counted(lambda: sum(_done.values()), seconds)
    done = sum(_done.values())
    with closing(sqlite3.connect(data / "dbos.sqlite", timeout=10)) as database:
        # Its workflows go on until the process ends, and so its files are not closed before.
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return {"name": NAME, "durability": DURABILITY, **figures, **on_disk(data, done)}
