"""From a row's commit to the page: the list and one session, in Chromium."""

import asyncio
from pathlib import Path
from typing import Any

from bench.measure import LagProbe, create_fleet, runtime_on, spread, total_ticks
from bench.serving import child, web_on
from store.agent_steps import list_steps

_HEARTBEAT_S = 1.0


async def run(data: Path, *, sessions: int, seconds: float, warm_up_s: float) -> dict[str, Any]:
    """Ages of rows when they are in the DOM, counted from just before their commit, in ms."""
    async with runtime_on(data) as runtime:
        await create_fleet(runtime, sessions, _HEARTBEAT_S)
        await asyncio.sleep(3.0)
        with web_on(runtime) as url, LagProbe() as probe:
            ticks = total_ticks(runtime)
            seen = await child(
                "bench.browsing", act="watch", url=url, seconds=seconds, warm_up_s=warm_up_s
            )
            ticks = total_ticks(runtime) - ticks
        ages = {page: await asyncio.to_thread(_ages_ms, seen[page]) for page in ("list", "session")}
    return {
        "sessions": sessions,
        "row_to_dom_ms": {page: spread(values) for page, values in ages.items()},
        "rows_seen": {page: len(values) for page, values in ages.items()},
        "loop_lag_ms": probe.figures(),
        "ticks": ticks,
    }


def _ages_ms(seen: dict[str, dict[str, float]]) -> list[float]:
    """`seen`: session to `seq` to the time at which it came into the DOM, in ms since 1970."""
    ages = []
    for session_id, times in seen.items():
        written = {row["seq"]: row["created_at"] for row in list_steps(session_id, 0, 1_000_000)}
        ages += [
            at - written[int(seq)].timestamp() * 1_000
            for seq, at in times.items()
            if at and int(seq) in written
        ]
    return ages
