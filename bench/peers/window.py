"""The window in which ticks are counted; nothing but the standard library."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WARM_UP_S = 1.5


async def counted(
    count: Callable[[], int], seconds: float, *, warm_up_s: float = WARM_UP_S
) -> dict[str, Any]:
    """Acknowledged ticks and the CPU of process and children, of `seconds` after a warm-up."""
    await asyncio.sleep(warm_up_s)
    began, cpu, before, wall = time.perf_counter(), cpu_s(), count(), time.time()
    await asyncio.sleep(seconds)
    took_s, cpu, ticks = time.perf_counter() - began, cpu_s() - cpu, count() - before
    return {
        "ticks_per_s": round(ticks / took_s, 1),
        "cpu_s_per_1000_ticks": round(cpu / max(1, ticks) * 1_000, 4),
        "ticks": ticks,
        "between": [wall, time.time()],
    }


def cpu_s() -> float:
    return sum(os.times()[:4])


def disk_bytes(folder: Path) -> int:
    """Bytes that the folder's files take, as `du` counts them."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sum(path.stat().st_blocks * 512 for path in files)


def on_disk(folder: Path, ticks: int) -> dict[str, Any]:
    """Bytes a tick, once all is closed; `ticks` are all that were done in the folder."""
    return {"disk_bytes_per_tick": round(disk_bytes(folder) / max(1, ticks))}
