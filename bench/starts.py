"""`python -m agents` from its process's start: with no session, and with many that were killed."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bench.measure import create_fleet, runtime_on, spread
from store.agent_state import list_agent_states
from store.agent_steps import list_steps

_HEARTBEAT_S = 1.0
_SETTLED_S = 3.0
_LIMIT_S = 60.0
_STARTED = b"worker started"


async def run(data: Path, *, sessions: int, starts: int) -> dict[str, Any]:
    """Seconds to ready, to every session's first tick, and between the first of these and last."""
    empty = [await _empty(data / f"empty-{number}") for number in range(starts)]
    full = data / "full"
    async with runtime_on(full) as runtime:
        await create_fleet(runtime, sessions, _HEARTBEAT_S)
    await _killed(full)  # the first start finds a folder that was stopped; the next, one killed
    found = [await _killed(full) for _ in range(starts)]
    return {
        "sessions": sessions,
        "empty_ready_s": spread(empty),
        "killed": {name: spread([each[name] for each in found]) for name in found[0]},
    }


async def _empty(data: Path) -> float:
    os.environ["REINS_DATA"] = str(data)
    async with worker() as started:
        return started.ready_s


@dataclass(frozen=True, slots=True)
class Started:
    """When a worker was started, by the clock, and how long it took."""

    at: float
    ready_s: float


@asynccontextmanager
async def worker() -> AsyncIterator[Started]:
    """A worker as a person starts it; killed with -9 at the end."""
    at, began = time.time(), time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agents",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"REINS_LOG_LEVEL": "info"},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_LIMIT_S):
            while _STARTED not in (line := await process.stdout.readline()):
                if not line:
                    raise RuntimeError(f"the worker ended with exit code {await process.wait()}")
        yield Started(at, time.perf_counter() - began)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.communicate()


async def _killed(data: Path) -> dict[str, float]:
    os.environ["REINS_DATA"] = str(data)
    before = {each["session_id"]: each for each in await asyncio.to_thread(list_agent_states)}
    async with worker() as started:
        await asyncio.sleep(_SETTLED_S)  # who reads meanwhile would hold it up
        await _all_ticked(before)
    first = await asyncio.to_thread(first_ticks, before)
    return {
        "ready_s": started.ready_s,
        "all_ticking_s": max(first) - started.at,
        "first_ticks_spread_s": max(first) - min(first),
    }


async def _all_ticked(before: dict[str, dict[str, Any]]) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while any(
        each["iteration"] <= before[each["session_id"]]["iteration"]
        for each in await asyncio.to_thread(list_agent_states)
    ):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not all sessions ticked again within {_LIMIT_S:g} s")
        await asyncio.sleep(1.0)


def first_ticks(before: dict[str, dict[str, Any]]) -> list[float]:
    """For each session the time of the first tick's row since."""
    return [
        next(
            row["created_at"].timestamp()
            for row in list_steps(session_id, orjson.loads(state["history"])["seq"], 10)
            if row["kind"] == "tick"
        )
        for session_id, state in before.items()
    ]
