"""Shared by the benchmarks: a runtime on a folder, a fleet on it, and how to look at both."""

import asyncio
import os
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import orjson
import psutil

import queue_imp
from agents import Runtime
from reins import logs, process
from reins.settings import load_settings

_READY_S = 300.0
_MODULES = ("bench.free_agent", "bench.free_subscriber", "agents_impl")


@asynccontextmanager
async def runtime_on(data: Path, **settings: Any) -> AsyncIterator[Runtime]:
    os.environ["REINS_DATA"] = str(data)
    os.environ["REINS_AGENT_MODULES"] = orjson.dumps(_MODULES).decode()
    logs.configure("warning")
    runtime = Runtime(load_settings(**settings))
    await runtime.start()
    process.tune()  # as the entry points do
    try:
        yield runtime
    finally:
        await runtime.stop()


async def create_fleet(
    runtime: Runtime,
    sessions: int,
    heartbeat_s: float,
    *,
    name: str = "agent",
    agent_type: str = "free",
    config: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Create sessions through the queue by one call, as a user would, and wait for them."""
    given = {"heartbeat_s": heartbeat_s, **config}
    entries = [
        {"agent_id": f"{name}-{number}", "agent_type": agent_type, "config": given}
        for number in range(sessions)
    ]
    before = len(runtime.fleet.live)
    await asyncio.to_thread(queue_imp.agents_create, entries, "bench")
    await until(lambda: len(runtime.fleet.live) >= before + sessions)


async def until(condition: Any, timeout_s: float = _READY_S, *, look_s: float = 0.02) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the benchmark's condition did not come true")
        await asyncio.sleep(look_s)


class Probe(ABC):
    """Looks at something by a task of its own, as long as its block runs."""

    _task: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._task = asyncio.get_running_loop().create_task(self._run(), name=type(self).__name__)
        return self

    def __exit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()

    @abstractmethod
    async def _run(self) -> None: ...


class LagProbe(Probe):
    """How late the loop comes back to a coroutine that asked for 5 ms."""

    def __init__(self) -> None:
        self.lags_ms: list[float] = []

    async def _run(self) -> None:
        while True:
            asked = time.perf_counter()
            await asyncio.sleep(0.005)
            self.lags_ms.append((time.perf_counter() - asked - 0.005) * 1_000)

    def figures(self) -> dict[str, float]:
        return spread(self.lags_ms)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, 99th percentile and maximum, in the unit of the values."""
    if not values:
        return {}
    ordered = sorted(values)
    return {
        "p50": round(ordered[len(ordered) // 2], 3),
        "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 3),
        "max": round(ordered[-1], 3),
    }


def rss_mib() -> float:
    return round(psutil.Process().memory_info().rss / 2**20, 1)


def cpu_s() -> float:
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)


def disk_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def total_ticks(runtime: Runtime) -> int:
    return sum(session.iteration for session in runtime.fleet.live.values())
