"""Many sessions created at once: from the call to the last session live."""

import time
from pathlib import Path
from typing import Any

from bench.measure import cpu_s, create_fleet, runtime_on

_IDLE_S = 3_600.0


async def run(data: Path, *, sessions: int) -> dict[str, Any]:
    """Seconds until all are there and their first rows are on disk."""
    async with runtime_on(data) as runtime:
        began, cpu = time.perf_counter(), cpu_s()
        await create_fleet(runtime, sessions, _IDLE_S)
        took_s, cpu = time.perf_counter() - began, cpu_s() - cpu
    return {
        "sessions": sessions,
        "created_s": round(took_s, 3),
        "created_per_s": round(sessions / took_s, 1),
        "cpu_ms_each": round(cpu / sessions * 1_000, 3),
    }
