"""Durable ticks a second: every tick is on disk before the session goes on."""

import asyncio
from pathlib import Path
from typing import Any

from bench.measure import LagProbe, cpu_s, create_fleet, rss_mib, runtime_on, total_ticks

GOALS = {1: 2_500, 100: 15_000, 1_000: 15_000}


async def run(data: Path, *, sessions: int, seconds: float) -> dict[str, Any]:
    """Ticks a second of `sessions` sessions that never wait, while the flush keeps up."""
    async with runtime_on(data) as runtime:
        await create_fleet(runtime, sessions, 0.0)
        await asyncio.sleep(2.0)
        with LagProbe() as probe:
            before, cpu_before, memory = total_ticks(runtime), cpu_s(), [rss_mib()]
            commits = runtime.store.journal.commits
            pending = []
            for _ in range(10):
                await asyncio.sleep(seconds / 10)
                pending.append(runtime.store.journal.pending)
                memory.append(rss_mib())
            ticks = total_ticks(runtime) - before
            cpu = cpu_s() - cpu_before
            commits = runtime.store.journal.commits - commits
        return {
            "sessions": sessions,
            "ticks_per_s": round(ticks / seconds),
            "goal_ticks_per_s": GOALS[sessions],
            "cpu_s_per_1000_ticks": round(cpu / ticks * 1_000, 4),
            "rows_per_commit": round(ticks / commits, 1),
            "pending_rows": pending,
            "rss_mib": memory,
            "loop_lag_ms": probe.figures(),
        }
