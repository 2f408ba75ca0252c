"""Durable ticks a second: every tick is on disk before the session goes on."""

import asyncio
from pathlib import Path
from typing import Any

from bench.measure import LagProbe, create_fleet, rss_mib, runtime_on, total_ticks
from bench.peers.window import counted, on_disk
from reins.event_loop import run as run_loop
from reins.version import VERSION

__all__ = ["DURABILITY", "NAME", "run", "run_loop"]
NAME = f"Reins {VERSION}"
DURABILITY = "REINS_DURABLE=power, the default: row and state are synced before a tick counts"


async def run(data: Path, *, sessions: int, seconds: float) -> dict[str, Any]:
    """Ticks a second of `sessions` sessions that never wait, while the flush keeps up."""
    async with runtime_on(data) as runtime:
        await create_fleet(runtime, sessions, 0.0)
        pending, memory, before = [], [rss_mib()], runtime.health()
        with LagProbe() as probe:
            counting = asyncio.create_task(counted(lambda: total_ticks(runtime), seconds))
            while not counting.done():
                await asyncio.wait([counting], timeout=seconds / 5)
                pending.append(runtime.health().pending_rows)
                memory.append(rss_mib())
        after = runtime.health()
        commits = after.journal_commits - before.journal_commits
        rows = after.journal_rows - before.journal_rows
        done = total_ticks(runtime)
    return {
        "name": NAME,
        "durability": DURABILITY,
        **counting.result(),
        **on_disk(data, done),
        "rows_per_commit": round(rows / max(1, commits), 1),
        "pending_rows": pending,
        "rss_mib": memory,
        "loop_lag_ms": probe.figures(),
    }
