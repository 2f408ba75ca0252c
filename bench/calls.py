"""Calls a second through the whole layer: route, limits, budget, call, record, the tick's row."""

import asyncio
import time
from pathlib import Path
from typing import Any

import queue_imp
from agents import Runtime
from bench import model_server
from bench.measure import (
    LagProbe,
    cpu_s,
    create_fleet,
    rss_mib,
    runtime_on,
    spread,
    total_ticks,
    until,
)

_BUDGET = {"session": {"tokens": 10**12, "cost_usd": 1e9}, "agent": {"tokens": 10**12}}
_POLLS = 20
_FEW = 8


def routes_file(folder: Path, address: str, model: str, **more: object) -> Path:
    """A file with one route to the server's `model`."""
    lines = [
        'default = "bench"', "[routes.bench]", 'provider = "compatible"', f'model = "{model}"',
        f'base_url = "{address}/v1"', "concurrency = 256", "price_in = 0.15", "price_out = 0.60",
        *(f"{name} = {value}" for name, value in more.items()),
    ]  # fmt: skip
    path = folder / "models.toml"
    path.write_text("\n".join(lines))
    return path


async def run(
    data: Path, *, sessions: int, calls: int, streams: int, aborts: int
) -> dict[str, Any]:
    """`calls` calls of `sessions` sessions, then streams at once, then some that are aborted."""
    limits = {"requests_per_minute": 10**9, "tokens_per_minute": 10**9}
    with model_server.model_server() as address:
        path = routes_file(data, address, "plain", **limits)
        async with _runtime(data / "calls", path) as runtime:
            calling = await _calling(runtime, sessions, calls)
        path = routes_file(data, address, "slow")
        async with _runtime(data / "streams", path) as runtime:
            streaming = await _streaming(runtime, streams)
        async with _runtime(data / "aborts", path) as runtime:
            aborting = await _aborting(runtime, address, aborts)
        calling["server"] = model_server.counts(address)
    return {"calling": calling, "streaming": streaming, "aborting": aborting}


def _runtime(data: Path, models: Path) -> Any:
    return runtime_on(data, models=models, agent_modules=["bench.calling_agent"])


async def _calling(runtime: Runtime, sessions: int, calls: int) -> dict[str, Any]:
    await create_fleet(runtime, sessions, 0.0, agent_type="calling", config={"budget": _BUDGET})
    await asyncio.sleep(2.0)
    memory = [rss_mib()]
    with LagProbe() as probe:
        before, cpu_before, started = total_ticks(runtime), cpu_s(), time.monotonic()
        for part in range(1, _POLLS + 1):
            due = before + calls * part // _POLLS
            await until(lambda due=due: total_ticks(runtime) >= due)
            memory.append(rss_mib())
        took_s = time.monotonic() - started
        done, cpu = total_ticks(runtime) - before, cpu_s() - cpu_before
    [route] = [route for route in runtime.model.routes() if route.name == "bench"]
    return {
        "sessions": sessions,
        "calls": done,
        "calls_per_s": round(done / took_s),
        "cpu_us_per_call": round(cpu / done * 1e6),
        "latency_p50_ms": route.p50_ms,
        "latency_p99_ms": route.p99_ms,
        "loop_lag_ms": probe.figures(),
        "rss_mib": memory,
    }


async def _streaming(runtime: Runtime, streams: int) -> dict[str, Any]:
    config = {"how": "stream"}
    await create_fleet(runtime, streams, 0.0, agent_type="calling", name="stream", config=config)
    await asyncio.sleep(1.0)
    with LagProbe() as probe:
        before, cpu_before, started = total_ticks(runtime), cpu_s(), time.monotonic()
        await asyncio.sleep(10.0)
        took_s = time.monotonic() - started
        done, cpu = total_ticks(runtime) - before, cpu_s() - cpu_before
    return {
        "at_once": streams,
        "streams_per_s": round(done / took_s),
        "cpu_ms_per_stream": round(cpu / done * 1_000, 2),
        "loop_lag_ms": probe.figures(),
    }


async def _aborting(runtime: Runtime, address: str, aborts: int) -> dict[str, Any]:
    """From guidance with mode "now" being asked for to the server seeing its stream hung up on."""
    config = {"how": "stream"}
    await create_fleet(runtime, _FEW, 0.0, agent_type="calling", name="stream", config=config)
    took_ms = []
    for number in range(aborts):
        session = runtime.fleet.live[f"stream-{number % _FEW}"]
        await until(lambda session=session: session.scope.ticking)
        await asyncio.sleep(0.1)
        before, asked_at = len(await _cut_off_at(address)), time.time()
        await asyncio.to_thread(
            queue_imp.agent_interrupt, session.agent_id, "bench", "go on", mode="now"
        )
        for _ in range(10):
            await asyncio.sleep(0.1)
            if times := (await _cut_off_at(address))[before:]:
                took_ms.append((times[0] - asked_at) * 1_000)
                break
    return {
        "asked": aborts,
        "closed": len(took_ms),  # the others had ended by themselves a moment before
        "interrupt_to_closed_ms": spread(took_ms),
    }


async def _cut_off_at(address: str) -> list[float]:
    found = await asyncio.to_thread(model_server.counts, address)
    times: list[float] = found["cut_off_at"]
    return times
