"""After a million ticks: disk, the speed of key queries, memory."""

import asyncio
import statistics
import time
from pathlib import Path
from typing import Any

from agent_core.session.controls import Pause, Resume
from agent_core.session.session import Session
from agents import Runtime
from bench.measure import (
    LagProbe,
    create_fleet,
    disk_bytes,
    rss_mib,
    runtime_on,
    total_ticks,
    until,
)
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from store.lance.compaction import IDLE_S

_SESSIONS = 100
_EARLY = 10_000


async def run(data: Path, *, ticks: int, rest_s: float = 2 * IDLE_S) -> dict[str, Any]:
    """Figures after `ticks` ticks of a hundred sessions, beside those after 10,000."""
    async with runtime_on(data) as runtime:
        await create_fleet(runtime, _SESSIONS, 0.0)
        await until(lambda: total_ticks(runtime) >= _EARLY)
        await _at_rest(runtime, rest_s)
    # Queries are timed without the worker, both times: it is the tables that are measured.
    early = _query_ms()
    async with runtime_on(data) as runtime:
        memory, peak_disk = [], 0
        for session in runtime.fleet.live.values():
            _resume(session)
        with LagProbe() as probe:
            while total_ticks(runtime) < ticks:
                await asyncio.sleep(2.0)
                peak_disk = max(peak_disk, await asyncio.to_thread(disk_bytes, data))
                memory.append(rss_mib())
        done = total_ticks(runtime)
        await _at_rest(runtime, rest_s)
    raw = done * _raw_bytes(list_steps("agent-0", 50, 1)[0])
    disk = disk_bytes(data)
    return {
        "ticks": done,
        "raw_mib": round(raw / 2**20),
        "disk_mib": round(disk / 2**20),
        "peak_disk_mib": round(peak_disk / 2**20),
        "disk_ratio": round(disk / raw, 2),
        "query_ms_after_10000": early,
        "query_ms_now": _query_ms(),
        "rss_mib": memory,
        "loop_lag_ms": probe.figures(),
    }


async def _at_rest(runtime: Runtime, rest_s: float) -> None:
    """Pause everything and wait for the upkeep that comes when a table is idle."""
    loop = asyncio.get_running_loop()
    for session in runtime.fleet.live.values():
        session.deliver(Pause("", "bench", loop.create_future(), None))
    await asyncio.sleep(rest_s)


def _resume(session: Session) -> None:
    session.deliver(Resume("", "bench", asyncio.get_running_loop().create_future()))


def _raw_bytes(row: dict[str, Any]) -> int:
    """A row's bytes as its values alone, without any format around them."""
    return sum(
        len(value.encode()) if isinstance(value, str) else 8
        for value in row.values()
        if value is not None
    )


def _query_ms() -> dict[str, float]:
    """Medians of the key queries, in ms."""
    return {
        "list_steps_100": _median_ms(lambda: list_steps("agent-7", 500, 100)),
        "get_agent_state": _median_ms(lambda: get_agent_state("agent-7")),
    }


def _median_ms(query: Any) -> float:
    times = []
    for _ in range(20):
        started = time.perf_counter()
        query()
        times.append((time.perf_counter() - started) * 1_000)
    return round(statistics.median(times), 2)
