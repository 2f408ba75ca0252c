"""The list with thousands of sessions and a log with tens of thousands of rows, in Chromium."""

import asyncio
from pathlib import Path
from typing import Any

from bench.measure import create_fleet, runtime_on, until
from bench.serving import child, web_on

_BUSY = 200
_IDLE_S = 86_400.0


async def run(
    data: Path, *, sessions: int, rows: int, minutes: float, frames_s: float
) -> dict[str, Any]:
    """Time until usable, frames a second and the page's memory while 200 events/s arrive."""
    figures: dict[str, Any] = {"sessions": sessions, "rows": rows}
    async with runtime_on(data, jitter=0.0) as runtime:
        await create_fleet(runtime, 1, 1 / _BUSY, name="talker", config={"burst": rows})
        await until(lambda: runtime.fleet.live["talker-0"].iteration >= rows)
        with web_on(runtime) as url:
            figures["log"] = await child(
                "bench.browsing", act="load", url=f"{url}/sessions/talker-0", minutes=minutes,
                frames_s=frames_s,
            )  # fmt: skip
        await create_fleet(runtime, sessions - _BUSY - 1, _IDLE_S, name="idle")
        await create_fleet(runtime, _BUSY, 1.0, name="busy")
        await asyncio.sleep(3.0)
        with web_on(runtime) as url:
            figures["list"] = await child(
                "bench.browsing", act="load", url=f"{url}/sessions", minutes=minutes,
                frames_s=frames_s,
            )  # fmt: skip
    return figures
