"""Sessions on a route that limits, fails, is silent and talks nonsense; then one that is down."""

import asyncio
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import queue_imp
from agent_core.session.status import Status
from agents import Runtime
from bench import model_server
from bench.calls import routes_file
from bench.measure import LagProbe, create_fleet, runtime_on, spread, total_ticks, until
from store import agent_steps, model_calls

_POLICY = {
    "deadline_s": 30, "attempt_s": 2, "attempts": 8, "breaker_failures": 12, "breaker_rest_s": 2,
}  # fmt: skip
_OUTAGE_S = 6.0
_LOOK_S = 0.001
_FIELDS = [
    "call_id", "attempt", "queued_at", "sent_at", "latency_ms", "tokens_in", "cost_usd",
    "error_kind", "estimated",
]  # fmt: skip


async def run(data: Path, *, sessions: int, seconds: float) -> dict[str, Any]:
    """The effects of the faults on the sessions' logs, the record and the breaker."""
    with model_server.model_server() as address:
        path = routes_file(data, address, "faulty", **_POLICY)
        modules = ["bench.calling_agent"]
        async with runtime_on(data / "data", models=path, agent_modules=modules) as runtime:
            config = {"heartbeat_s": 0.2}
            with LagProbe() as probe:
                await create_fleet(runtime, sessions, 0.2, agent_type="calling", config=config)
                await asyncio.sleep(seconds)
                ticks = total_ticks(runtime)
            breaker = await _breaker_in_an_outage(runtime, address)
            running = sum(s.status is Status.RUNNING for s in runtime.fleet.live.values())
            await _rest(runtime)
            server = await asyncio.to_thread(model_server.counts, address)
            record = _record(runtime)
            kinds = runtime.store.reader.stored(agent_steps.TABLE, None, ["kind"])["kind"]
    del server["cut_off_at"]
    return {
        "sessions": sessions,
        "ticks": ticks,
        "still_running": running,
        "rows": dict(Counter(kinds.to_pylist())),
        "loop_lag_ms": probe.figures(),
        "breaker": breaker,
        "server": server,
        "record": record,
    }


async def _rest(runtime: Runtime) -> None:
    """Pause all, and wait until nothing is in flight and everything is in the tables."""
    sessions = list(runtime.fleet.live.values())
    for session in sessions:
        await asyncio.to_thread(queue_imp.agent_pause_action, session.agent_id, "bench")
    await until(lambda: all(session.status is Status.PAUSED for session in sessions))
    await until(lambda: runtime.store.journal.pending == 0)


async def _breaker_in_an_outage(runtime: Runtime, address: str) -> list[str]:
    """The states that the breaker goes through when the server is down for a while."""
    seen = [_state(runtime)]
    await asyncio.to_thread(model_server.outage, address, on=True)
    began, down = time.monotonic(), True
    while down or seen[-1] != "closed":
        await asyncio.sleep(_LOOK_S)
        if (state := _state(runtime)) != seen[-1]:
            seen.append(state)
        if down and time.monotonic() - began > _OUTAGE_S:
            await asyncio.to_thread(model_server.outage, address, on=False)
            down = False
        if time.monotonic() - began > 60:
            raise TimeoutError(f"the breaker did not close again: {seen}")
    await asyncio.sleep(3.0)
    return seen


def _state(runtime: Runtime) -> str:
    [state] = [route.breaker for route in runtime.model.routes() if route.name == "bench"]
    return state


def _record(runtime: Runtime) -> dict[str, Any]:
    rows = runtime.store.reader.stored(model_calls.TABLE, None, _FIELDS).to_pylist()
    by_call: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_call.setdefault(row["call_id"], []).append(row)
    whole_s = []
    for attempts in by_call.values():
        attempts.sort(key=lambda row: row["attempt"])
        assert all(a["attempt"] < b["attempt"] for a, b in pairwise(attempts)), attempts
        last = attempts[-1]
        if last["sent_at"] is not None:
            sent_s = (last["sent_at"] - attempts[0]["queued_at"]).total_seconds()
            whole_s.append(sent_s + last["latency_ms"] / 1_000)
    counted = [row for row in rows if row["tokens_in"] and not row["estimated"]]
    return {
        "attempts": len(rows),
        "sent": sum(row["sent_at"] is not None for row in rows),
        "answered": sum(row["error_kind"] is None for row in rows),
        "billed_by_the_server": len(counted),
        "billed_tokens_in": sum(row["tokens_in"] for row in counted),
        "expected_tokens_in": len(counted) * model_server.TOKENS_IN,
        "errors": dict(Counter(row["error_kind"] for row in rows if row["error_kind"])),
        "call_s": spread(whole_s),
        "deadline_s": _POLICY["deadline_s"],
    }
