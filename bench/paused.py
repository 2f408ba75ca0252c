"""The cost of a paused session: memory, and CPU while nothing happens."""

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import queue_imp
from agent_core.session.status import Status
from bench.measure import cpu_s, create_fleet, rss_mib, runtime_on, until
from reins import event_loop
from store.lance.compaction import IDLE_S

_FEW = 100


async def run(
    data: Path, *, sessions: int, watched_s: float, settling_s: float, rest_s: float = 2 * IDLE_S
) -> dict[str, Any]:
    """Memory of each of `sessions` paused sessions, and the process's CPU share beside none."""
    async with runtime_on(data) as runtime:
        await create_fleet(runtime, 1, 3_600.0, name="first")
        idle_share = await _cpu_share(watched_s)
        await create_fleet(runtime, sessions, 3_600.0)
        with ThreadPoolExecutor(64) as pool:
            loop = asyncio.get_running_loop()
            names = list(runtime.fleet.live)
            pause = queue_imp.agent_pause_action
            await asyncio.gather(
                *(loop.run_in_executor(pool, pause, name, "bench") for name in names)
            )
        live = runtime.fleet.live
        await until(lambda: all(session.status is Status.PAUSED for session in live.values()))
        await until(lambda: runtime.store.journal.pending == 0)
        await asyncio.sleep(rest_s)
        share = await _cpu_share(watched_s)
    # Memory is measured in a process of its own for each: what creating them left is not theirs.
    few_mib, few = await _settled(data.with_name(f"{data.name}-few"), settling_s, _FEW)
    full_mib, count = await _settled(data, settling_s)
    return {
        "sessions": count,
        "kib_each": round((full_mib - few_mib) * 1_024 / (count - few), 2),
        "cpu_percent_paused": round(share * 100, 2),
        "cpu_percent_one_idle_session": round(idle_share * 100, 2),
    }


async def _cpu_share(watched_s: float) -> float:
    before = cpu_s()
    await asyncio.sleep(watched_s)
    return (cpu_s() - before) / watched_s


async def _settled(data: Path, settling_s: float, create: int = 0) -> tuple[float, int]:
    """Memory of a worker that has just started on `data`, and how many sessions it holds."""
    command = [sys.executable, "-m", "bench.paused", str(data), str(settling_s)]
    if create:
        async with runtime_on(data) as runtime:
            await create_fleet(runtime, create, 3_600.0)
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await child.communicate()
    mib, sessions = json.loads(output)
    return mib, sessions


async def _show(data: Path, settling_s: float) -> None:
    async with runtime_on(data) as runtime:
        await asyncio.sleep(settling_s)
        print(json.dumps([rss_mib(), len(runtime.fleet.live)]))


if __name__ == "__main__":
    event_loop.run(_show(Path(sys.argv[1]), float(sys.argv[2])))
