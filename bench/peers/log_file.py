"""The lowest floor: asyncio tasks over one file of JSON lines, fdatasync for all that wait."""

import asyncio
import os
from pathlib import Path
from typing import Any

import orjson

from bench import work
from bench.peers.window import counted, on_disk

NAME = f"asyncio + a log of JSON lines (orjson {orjson.__version__})"
DURABILITY = "fdatasync before a tick counts; nothing can be queried, nothing is ever cleaned"


async def run(data: Path, *, sessions: int, seconds: float) -> dict[str, Any]:
    """Ticks of `sessions` tasks, each of which waits for its sync before it goes on."""
    file = os.open(data / "floor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    waiting: list[tuple[bytes, asyncio.Future[None]]] = []
    there, done = asyncio.Event(), [0] * sessions
    loop = asyncio.get_running_loop()

    async def session(me: int) -> None:
        kept, number = work.notes(me), 0
        while True:
            number += 1
            said = work.text(number, me)
            row = {"session": me, "seq": number, "text": said}
            row["state"] = work.state(number, said, kept)
            synced: asyncio.Future[None] = loop.create_future()
            waiting.append((orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE), synced))
            there.set()
            await synced
            done[me] = number

    async def committer() -> None:
        while True:
            await there.wait()
            there.clear()
            group = waiting.copy()
            waiting.clear()
            await asyncio.to_thread(_write, file, b"".join(line for line, _ in group))
            for _, synced in group:
                synced.set_result(None)

    tasks = [loop.create_task(session(me)) for me in range(sessions)]
    tasks.append(loop.create_task(committer()))
    figures = await counted(lambda: sum(done), seconds)
    for task in tasks[:-1]:
        task.cancel()
    await asyncio.sleep(0.2)  # the sync in flight
    tasks[-1].cancel()
    os.close(file)
    return {"name": NAME, "durability": DURABILITY, **figures, **on_disk(data, sum(done))}


def _write(file: int, lines: bytes) -> None:
    while lines:
        lines = lines[os.write(file, lines) :]
    os.fdatasync(file)
