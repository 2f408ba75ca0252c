"""A worker with a thousand sessions killed with -9 and started again, from its process's start."""

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from agents import Runtime
from bench.measure import create_fleet, runtime_on

GOAL_S = 3.0
_STARTS = 5
_HEARTBEAT_S = 1.0


async def run(data: Path, *, sessions: int) -> dict[str, Any]:
    """Seconds from the process's start to every session running again."""
    async with runtime_on(data) as runtime:
        await create_fleet(runtime, sessions, _HEARTBEAT_S)
    seconds = []
    for _ in range(_STARTS):
        started = time.time()
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.restart", str(data), stdout=asyncio.subprocess.PIPE
        )
        assert child.stdout is not None
        told = json.loads(await child.stdout.readline())
        if told["sessions"] != sessions:
            raise RuntimeError(f"{told['sessions']} of {sessions} sessions came back")
        seconds.append(round(told["at"] - started, 2))
        await asyncio.sleep(2.0)
        child.send_signal(signal.SIGKILL)
        await child.wait()
    return {"sessions": sessions, "all_running_after_s": seconds, "goal_s": GOAL_S}


async def _work(data: Path) -> None:
    async with runtime_on(data) as runtime:
        print(json.dumps({"sessions": _running(runtime), "at": time.time()}), flush=True)
        await asyncio.Event().wait()


def _running(runtime: Runtime) -> int:
    return sum(
        session.task is not None and session.status == "running"
        for session in runtime.fleet.live.values()
    )


if __name__ == "__main__":
    asyncio.run(_work(Path(sys.argv[1])))
