"""Actions applied a second, and how long one takes from the call of its helper to applied."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import queue_imp
from agents import Runtime
from bench.measure import cpu_s, create_fleet, runtime_on, until

_SESSIONS = 100
_IDLE_S = 3_600.0
_CASES = {"threads_1": (0, 1), "threads_16": (0, 16), "processes_4": (4, 1)}
"""Name to producing processes (0: threads of the worker's own, as the web's are) and threads."""


async def run(data: Path, *, seconds: float) -> dict[str, Any]:
    """Guidance for sessions that are idle, sent without a pause; until all of it is applied."""
    async with runtime_on(data) as runtime:
        await create_fleet(runtime, _SESSIONS, _IDLE_S)
        return {name: await _case(runtime, *case, seconds) for name, case in _CASES.items()}


async def _case(runtime: Runtime, processes: int, threads: int, seconds: float) -> dict[str, float]:
    handled, cpu = runtime.health().actions_handled, cpu_s()
    if processes:
        spans = await asyncio.gather(*(_elsewhere(n, threads, seconds) for n in range(processes)))
    else:
        spans = [await asyncio.to_thread(_produce, 0, threads, seconds)]
    sent = sum(count for count, _, _ in spans)
    began, ended = min(began for _, began, _ in spans), max(ended for _, _, ended in spans)
    await until(lambda: runtime.health().actions_handled >= handled + sent)
    took_s = time.time() - began
    return {
        "sent": sent,
        "enqueued_per_s": round(sent / (ended - began), 1),
        "applied_per_s": round(sent / took_s, 1),
        "worker_cpu_ms_per_action": round((cpu_s() - cpu) / sent * 1_000, 3),
    }


async def _elsewhere(number: int, threads: int, seconds: float) -> tuple[int, float, float]:
    command = [sys.executable, "-m", "bench.actions", str(number), str(threads), str(seconds)]
    child = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    output, _ = await child.communicate()
    count, began, ended = json.loads(output)
    return count, began, ended


def _produce(number: int, threads: int, seconds: float) -> tuple[int, float, float]:
    """Actions sent, and when the first was begun and the last was acknowledged."""
    _send(number)  # what the first call opens
    began = time.time()
    ends_at = time.monotonic() + seconds

    def producer(thread: int) -> int:
        count = 0
        while time.monotonic() < ends_at:
            _send(number * 31 + thread * 7 + count)
            count += 1
        return count

    with ThreadPoolExecutor(threads) as pool:
        count = sum(pool.map(producer, range(threads)))
    return count + 1, began, time.time()


def _send(number: int) -> str:
    return queue_imp.agent_interrupt(
        f"agent-{number % _SESSIONS}", "bench", {"say": f"something else, for the time {number}"}
    )


def main(arguments: Sequence[str]) -> None:
    number, threads, seconds = arguments
    print(json.dumps(_produce(int(number), int(threads), float(seconds))))


if __name__ == "__main__":
    main(sys.argv[1:])
