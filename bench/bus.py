"""Topics: messages to many subscribers as fast as they go, and how long one takes at a pace.

Beside it the yardstick, where there is a server of Redis: the same messages by a stream of it.
"""

import asyncio
import time
from pathlib import Path
from typing import Any

from bench.contest import contend
from bench.free_subscriber import FreeSubscriber, draft
from bench.measure import LagProbe, cpu_s, create_fleet, runtime_on, spread, until
from bench.peers import redis_streams
from reins.bus.topics import Topics

_AT_ONCE = 100


async def run(
    data: Path, *, subscribers: int, messages: int, per_s: float, seconds: float
) -> dict[str, Any]:
    """Deliveries a second of `messages` to all, then milliseconds at `per_s` of them."""
    found = await _own(data / "reins", subscribers, messages, per_s, seconds)
    if redis_streams.program() is None:
        return found
    redis = await contend(
        "redis", data / "redis", module="bench.peers.redis_streams",
        subscribers=subscribers, messages=messages,
    )  # fmt: skip
    share = found["deliveries_per_s"] / max(0.1, redis["deliveries_per_s"])
    return {**found, "redis": redis, "beside_redis": round(share, 3)}


async def _own(
    data: Path, subscribers: int, messages: int, per_s: float, seconds: float
) -> dict[str, Any]:
    async with runtime_on(data) as runtime:
        config = {"on": ["topic:bench.*"], "batch": 100}
        await create_fleet(
            runtime, subscribers, 3_600.0, agent_type="free_subscriber", config=config
        )
        flat_out = await _flat_out(runtime.topics, subscribers, messages)
        FreeSubscriber.waited_ms.clear()
        with LagProbe() as probe:
            await _paced(runtime.topics, per_s / subscribers, seconds)
        return {
            "subscribers": subscribers,
            **flat_out,
            "paced_per_s": per_s,
            "waited_ms": spread(FreeSubscriber.waited_ms),
            "loop_lag_ms": probe.figures(),
        }


async def _flat_out(topics: Topics, subscribers: int, messages: int) -> dict[str, Any]:
    began, cpu = time.perf_counter(), cpu_s()
    FreeSubscriber.received = 0
    for first in range(0, messages, _AT_ONCE):
        drafts = [draft() for _ in range(min(_AT_ONCE, messages - first))]
        await topics.add("bench.all", drafts)
    await until(lambda: FreeSubscriber.received >= subscribers * messages, look_s=0.005)
    took_s, cpu = time.perf_counter() - began, cpu_s() - cpu
    deliveries = subscribers * messages
    return {
        "deliveries": deliveries,
        "deliveries_per_s": round(deliveries / took_s, 1),
        "cpu_us_each": round(cpu / deliveries * 1e6, 2),
    }


async def _paced(topics: Topics, per_s: float, seconds: float) -> None:
    """Each message is a commit of its own."""
    began = time.perf_counter()
    for number in range(int(per_s * seconds)):
        await asyncio.sleep(max(0.0, began + number / per_s - time.perf_counter()))
        await topics.add("bench.all", [draft()])
    await asyncio.sleep(0.5)
