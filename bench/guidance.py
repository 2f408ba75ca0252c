"""From the call of `agent_interrupt` to applied, at a pace that does not wait for answers."""

import asyncio
import json
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import queue_imp
from bench.measure import create_fleet, runtime_on, spread, until

_HEARTBEAT_S = 1.0
_THREADS = 32
Sent = list[tuple[str, float, float]]
"""For each action: its id, when its call was due, and when it was acknowledged."""


async def run(data: Path, *, sessions: int, per_s: float, seconds: float) -> dict[str, Any]:
    """Latencies in ms while `sessions` sessions tick once a second; the receipts say applied."""
    async with runtime_on(data) as runtime:
        await create_fleet(runtime, sessions, _HEARTBEAT_S)
        await asyncio.sleep(1.0)
        handled = runtime.health().actions_handled
        here = await asyncio.to_thread(_paced, sessions, per_s, seconds)
        there = await _from_another_process(sessions, per_s, seconds)
        sent = len(here) + len(there)
        await until(lambda: runtime.health().actions_handled >= handled + sent)
        return {
            "sessions": sessions,
            "per_s": per_s,
            "same_process": await asyncio.to_thread(_latencies, here),
            "other_process": await asyncio.to_thread(_latencies, there),
        }


def _latencies(sent: Sent) -> dict[str, Any]:
    applied = {action_id: queue_imp.wait_for_action(action_id) for action_id, _, _ in sent}
    assert all(receipt["outcome"] == "applied" for receipt in applied.values())
    at = {action_id: receipt["processed_at"].timestamp() for action_id, receipt in applied.items()}
    return {
        "acknowledged_ms": spread([(returned - due) * 1_000 for _, due, returned in sent]),
        "applied_ms": spread([(at[each] - due) * 1_000 for each, due, _ in sent]),
        "acknowledged_to_applied_ms": spread([(at[each] - ack) * 1_000 for each, _, ack in sent]),
    }


def _paced(sessions: int, per_s: float, seconds: float) -> Sent:
    """Each call begins when it is due, whether or not those before have returned."""
    _send(0, sessions)  # what the first call opens
    began = time.time() + 0.1

    def call(number: int) -> tuple[str, float, float]:
        due = began + number / per_s
        time.sleep(max(0.0, due - time.time()))
        return _send(random.randrange(sessions), sessions), due, time.time()

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(call, range(int(per_s * seconds))))


def _send(number: int, sessions: int) -> str:
    return queue_imp.agent_interrupt(f"agent-{number % sessions}", "bench", {"say": "another"})


async def _from_another_process(sessions: int, per_s: float, seconds: float) -> Sent:
    command = [sys.executable, "-m", "bench.guidance", str(sessions), str(per_s), str(seconds)]
    child = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    output, _ = await child.communicate()
    return [(action_id, due, returned) for action_id, due, returned in json.loads(output)]


if __name__ == "__main__":
    print(json.dumps(_paced(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))))
