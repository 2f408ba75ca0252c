"""Ticks a second of tasks that use file tools, beside those of jokes: both on the offline model."""

import asyncio
import os
from pathlib import Path
from typing import Any

from bench.measure import LagProbe, create_fleet, rss_mib, runtime_on, total_ticks

_GOAL = "count to 9999 in count.txt"
"""A write and then another: each is announced, made and on record, two rows a tick."""


async def run(data: Path, *, sessions: int, seconds: float, rounds: int) -> dict[str, Any]:
    """Rounds of both, each in a worker of its own, in turns; the best of each counts."""
    jokes, tasks = [], []
    for number in range(rounds):
        jokes.append(await _round(data / f"jokes-{number}", sessions, seconds, "joke"))
        tasks.append(await _round(data / f"tasks-{number}", sessions, seconds, "task"))
    best = max(tasks, key=_ticks), max(jokes, key=_ticks)
    return {
        "sessions": sessions,
        "share_of_jokes": round(_ticks(best[0]) / max(1.0, _ticks(best[1])), 3),
        "tasks": tasks,
        "jokes": jokes,
    }


def _ticks(figures: dict[str, Any]) -> float:
    return float(figures["ticks_per_s"])


async def _round(data: Path, sessions: int, seconds: float, kind: str) -> dict[str, Any]:
    os.environ["REINS_WORKSPACES"] = str(data / "workspaces")
    async with runtime_on(data / "data", model="offline") as runtime:
        await create_fleet(runtime, sessions, 0.0, agent_type=kind, config=_config(kind))
        await asyncio.sleep(2.0)
        with LagProbe() as probe:
            before = total_ticks(runtime)
            await asyncio.sleep(seconds)
            ticks = total_ticks(runtime) - before
        failed = sum(session.failures > 0 for session in runtime.fleet.live.values())
        return {
            "ticks_per_s": round(ticks / seconds, 1),
            "sessions_that_failed": failed,
            "sessions_that_wait": sum(s.waits is not None for s in runtime.fleet.live.values()),
            "rss_mib": rss_mib(),
            "loop_lag_ms": probe.figures(),
        }


def _config(kind: str) -> dict[str, Any]:
    if kind == "joke":
        return {"subject": "cats"}
    return {
        "goal": _GOAL,
        "tools": ["files"],
        "approvals": "allow_medium",
        "max_iterations": 1_000,
    }
