"""From `agent_interrupt` returning to the guidance applied, with a thousand sessions ticking."""

import asyncio
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import queue_imp
from agent_core.agent import interrupting
from bench.measure import LagProbe, create_fleet, runtime_on, spread, total_ticks, until

_BETWEEN_S = 0.1
_HEARTBEAT_S = 1.0


async def run(data: Path, *, sessions: int, guidances: int) -> dict[str, Any]:
    """Latencies in ms, from the helper's return to the guidance's row being on disk."""
    applied = _note_when_applied()
    async with runtime_on(data) as runtime:
        await create_fleet(runtime, sessions, _HEARTBEAT_S)
        await asyncio.sleep(3.0)
        ticks, started = total_ticks(runtime), time.monotonic()
        with LagProbe() as probe:
            sent = [await asyncio.to_thread(_send, sessions) for _ in range(guidances)]
            sent_elsewhere = await _send_from_another_process(sessions, guidances)
            await until(lambda: len(applied) >= 2 * guidances)
        ticks_per_s = (total_ticks(runtime) - ticks) / (time.monotonic() - started)
    return {
        "sessions": sessions,
        "same_process_ms": spread([(applied[a] - at) * 1_000 for a, at in sent]),
        "other_process_ms": spread([(applied[a] - at) * 1_000 for a, at in sent_elsewhere]),
        "ticks_per_s": round(ticks_per_s, 1),
        "loop_lag_ms": probe.figures(),
    }


def _note_when_applied() -> dict[str, float]:
    """The time at which each action's row was on disk, by `action_id`."""
    at: dict[str, float] = {}
    settle = interrupting.settle

    def noted(control: Any, seq: int) -> None:
        at[control.action_id] = time.time()
        settle(control, seq)

    interrupting.settle = noted
    return at


def _send(sessions: int) -> tuple[str, float]:
    agent_id = f"agent-{random.randrange(sessions)}"
    action_id = queue_imp.agent_interrupt(agent_id, "bench", {"say": "something else"})
    returned_at = time.time()
    time.sleep(_BETWEEN_S * random.uniform(0.5, 1.5))
    return action_id, returned_at


async def _send_from_another_process(sessions: int, guidances: int) -> list[tuple[str, float]]:
    command = [sys.executable, "-m", "bench.guidance", str(sessions), str(guidances)]
    child = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    output, _ = await child.communicate()
    return [(action_id, at) for action_id, at in json.loads(output)]


if __name__ == "__main__":
    print(json.dumps([_send(int(sys.argv[1])) for _ in range(int(sys.argv[2]))]))
