"""Actions applied a second, and how long one takes from the call of its helper to applied."""

import asyncio
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
_READY = b"ready\n"
_CASES = {"threads_1": (0, 1), "threads_16": (0, 16), "processes_4": (4, 1)}
"""Name to producing processes (0: threads of the worker's own, as the web's are) and threads."""


async def run(data: Path, *, seconds: float) -> dict[str, Any]:
    """Guidance for sessions that are idle, sent without a pause; until all of it is applied."""
    async with runtime_on(data) as runtime:
        await create_fleet(runtime, _SESSIONS, _IDLE_S)
        return {name: await _case(runtime, *case, seconds) for name, case in _CASES.items()}


async def _case(runtime: Runtime, processes: int, threads: int, seconds: float) -> dict[str, float]:
    others = [await _opened(number, threads, seconds) for number in range(processes)]
    handled, cpu, began = runtime.health().actions_handled, cpu_s(), time.perf_counter()
    if others:
        sent = sum(await asyncio.gather(*(_produced(each) for each in others)))
    else:
        sent = await asyncio.to_thread(_produce, 0, threads, seconds)
    enqueued_s = time.perf_counter() - began
    await until(lambda: runtime.health().actions_handled >= handled + sent, look_s=0.002)
    applied_s, cpu = time.perf_counter() - began, cpu_s() - cpu
    for each in others:
        await each.communicate()
    return {
        "sent": sent,
        "enqueued_per_s": round(sent / enqueued_s, 1),
        "applied_per_s": round(sent / applied_s, 1),
        "worker_cpu_ms_per_action": round(cpu / sent * 1_000, 3),
    }


async def _opened(number: int, threads: int, seconds: float) -> asyncio.subprocess.Process:
    """A process that has imported all and opened the queue, and waits to be told to begin."""
    command = [sys.executable, "-m", "bench.actions", str(number), str(threads), str(seconds)]
    child = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert await child.stdout.readline() == _READY
    return child


async def _produced(child: asyncio.subprocess.Process) -> int:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(b"begin\n")
    return int(await child.stdout.readline())


def _produce(number: int, threads: int, seconds: float) -> int:
    """Actions sent, each after the one before of its thread is acknowledged."""
    ends_at = time.monotonic() + seconds

    def producer(thread: int) -> int:
        count = 0
        while time.monotonic() < ends_at:
            _send(number * 31 + thread * 7 + count)
            count += 1
        return count

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(producer, range(threads)))


def _send(number: int) -> str:
    return queue_imp.agent_interrupt(
        f"agent-{number % _SESSIONS}", "bench", {"say": f"something else, for the time {number}"}
    )


def main(arguments: Sequence[str]) -> None:
    number, threads, seconds = arguments
    queue_imp.wait_for_action(_send(int(number)))  # opens what the first one opens
    print(_READY.decode(), end="", flush=True)
    sys.stdin.readline()
    print(_produce(int(number), int(threads), float(seconds)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
