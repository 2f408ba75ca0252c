"""A hundred clients of the rooms, some of them stalled: what it costs the agents' loop."""

import asyncio
from pathlib import Path
from typing import Any

from bench.measure import LagProbe, cpu_s, create_fleet, rss_mib, runtime_on, total_ticks
from bench.serving import child, web_on

_HEARTBEAT_S = 1.0


async def run(
    data: Path, *, sessions: int, clients: int, stalled: int, seconds: float
) -> dict[str, Any]:
    """Half of the clients look at the list, the others at a session each."""
    async with runtime_on(data) as runtime:
        await create_fleet(runtime, sessions, _HEARTBEAT_S)
        await asyncio.sleep(3.0)
        with web_on(runtime) as url:
            onlookers = asyncio.create_task(
                child(
                    "bench.onlookers",
                    url=url,
                    sessions=sessions,
                    clients=clients,
                    stalled=stalled,
                    seconds=seconds,
                )
            )
            await asyncio.sleep(seconds / 4)  # until all are connected
            memory = [rss_mib()]
            ticks, cpu = total_ticks(runtime), cpu_s()
            with LagProbe() as probe:
                for _ in range(5):
                    await asyncio.sleep(seconds / 10)
                    memory.append(rss_mib())
            ticks, cpu = total_ticks(runtime) - ticks, cpu_s() - cpu
            seen = await onlookers
    return {
        "sessions": sessions,
        "clients": clients,
        "stalled": stalled,
        "loop_lag_ms": probe.figures(),
        "ticks_per_s": round(ticks / (seconds / 2), 1),
        "cpu_of_one_core": round(cpu / (seconds / 2), 2),
        "rss_mib": memory,
        **seen,
    }
