"""Bytes on the disk a tick: right after the last one, and at rest."""

import asyncio
from pathlib import Path
from typing import Any

from bench.measure import create_fleet, runtime_on, total_ticks, until
from bench.peers.window import disk_bytes
from store.agent_steps import list_steps

_IDLE_S = 3_600.0
_LOOKS = 10


async def run(data: Path, *, sessions: int, ticks_each: int, rest_s: float) -> dict[str, Any]:
    """As `du` counts them, of ticks whose text and state change; then after `rest_s` of rest."""
    async with runtime_on(data, heartbeat_s=_IDLE_S) as runtime:
        await create_fleet(runtime, sessions, _IDLE_S, config={"burst": ticks_each})
        await until(lambda: total_ticks(runtime) >= sessions * ticks_each)
        ticks, sizes = total_ticks(runtime), [await asyncio.to_thread(disk_bytes, data)]
        for _ in range(_LOOKS):
            await asyncio.sleep(rest_s / _LOOKS)
            sizes.append(await asyncio.to_thread(disk_bytes, data))
    stopped = disk_bytes(data)
    return {
        "ticks": ticks,
        "row_bytes": _raw_bytes(list_steps("agent-0", ticks_each // 2, 1)[0]),
        "bytes_per_tick_at_once": round(sizes[0] / ticks),
        "bytes_per_tick_at_rest": round(sizes[-1] / ticks),
        "bytes_per_tick_stopped": round(stopped / ticks),
        "bytes_per_tick_over_the_rest": [round(size / ticks) for size in sizes],
        "bytes_per_tick_by_name_stopped": _by_name(data, ticks),
    }


def _by_name(data: Path, ticks: int) -> dict[str, int]:
    return {
        path.name: round((disk_bytes(path) or path.stat().st_size) / ticks)
        for path in sorted(data.iterdir())
    }


def _raw_bytes(row: dict[str, Any]) -> int:
    """A row's bytes as its values alone, without any format around them."""
    return sum(
        len(value.encode()) if isinstance(value, str) else 8
        for value in row.values()
        if value is not None
    )
