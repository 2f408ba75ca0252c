"""A client whose connection is cut again and again under load: every row once, in order."""

from pathlib import Path
from typing import Any

from bench.measure import create_fleet, runtime_on
from bench.serving import child, web_on

_SESSIONS = 100
_BETWEEN_S = 0.2


async def run(data: Path, *, times: int) -> dict[str, Any]:
    """Rows of one session that ticks 100 times a second, as a client has them in the end."""
    async with runtime_on(data) as runtime:
        await create_fleet(runtime, _SESSIONS, 0.1)
        await create_fleet(runtime, 1, 0.01, name="watched")
        with web_on(runtime) as url:
            seen = await child("bench.reconnecting", url=url, times=times, between_s=_BETWEEN_S)
        session = runtime.fleet.live["watched-0"]
    rows = seen.pop("seqs")
    return {
        **seen,
        "rows": len(rows),
        "once_and_in_order": rows == list(range(1, len(rows) + 1)),
        "newest_on_disk": session.seq,
    }
