"""Reads while a thousand sessions tick flat out, in the worker's process and in another."""

import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from bench.measure import cpu_s, create_fleet, runtime_on, spread, total_ticks
from bench.serving import child
from store.agent_state import get_agent_state, list_agent_states
from store.agent_steps import list_steps
from store.reading import Reader

_LAST = 100
_STATES_EACH = 10
"""Reads of one session for each read of the states of all."""


async def run(data: Path, *, sessions: int, warm_up_s: float, seconds: float) -> dict[str, Any]:
    """Milliseconds of one reader that reads without a pause."""
    async with runtime_on(data) as runtime:
        await create_fleet(runtime, sessions, 0.0)
        await asyncio.sleep(warm_up_s)
        ticks, began, cpu = total_ticks(runtime), time.perf_counter(), cpu_s()
        same = await asyncio.to_thread(_reads, sessions, seconds, runtime.store.reader)
        other = await child("bench.reading", sessions=sessions, seconds=seconds)
        took_s = time.perf_counter() - began
        ticks, cpu = total_ticks(runtime) - ticks, cpu_s() - cpu
    return {
        "sessions": sessions,
        "same_process": same,
        "other_process": other,
        "ticks_per_s_meanwhile": round(ticks / took_s, 1),
        "worker_cpu_s_per_s": round(cpu / took_s, 2),
    }


def _reads(sessions: int, seconds: float, store: Reader | None = None) -> dict[str, Any]:
    chance = random.Random(1)
    took_ms: dict[str, list[float]] = {"agent_state_ms": [], "last_100_ms": [], "states_ms": []}
    ends_at = time.perf_counter() + seconds
    rounds = 0
    while time.perf_counter() < ends_at:
        session_id = f"agent-{chance.randrange(sessions)}"
        with _timed(took_ms["agent_state_ms"]):
            state = get_agent_state(session_id, store=store)
        assert state is not None
        head = orjson.loads(state["history"])["seq"]
        with _timed(took_ms["last_100_ms"]):
            rows = list_steps(session_id, max(0, head - _LAST), _LAST, store=store)
        assert len(rows) >= min(head, _LAST), (session_id, head, len(rows))
        if rounds % _STATES_EACH == 0:
            with _timed(took_ms["states_ms"]):
                list_agent_states(store=store)
        rounds += 1
    return {name: {"reads": len(each), **spread(each)} for name, each in took_ms.items()}


@contextmanager
def _timed(took_ms: list[float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    took_ms.append((time.perf_counter() - began) * 1_000)


if __name__ == "__main__":
    print(json.dumps(_reads(**json.loads(sys.argv[1]))))
