"""The cost of a plan's node, in memory and with its row durable; waits side by side."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from agents import Runtime
from bench.contest import PLAN_PEERS, contend
from bench.measure import runtime_on
from reins.plans import (
    Actions,
    Node,
    compile_plan,
    loop_while,
    parallel,
    run_plan_async,
    sequence,
)

WIDTH = 10
_WAITS, _WAIT_S = 20, 0.05

actions = Actions()


@actions.action
async def nothing(state: dict[str, int]) -> dict[str, int]:
    return state


@actions.action
async def turn(state: dict[str, int]) -> dict[str, int]:
    return {"turns": state["turns"] + 1}


@actions.action
async def wait(state: dict[str, int]) -> dict[str, int]:
    await asyncio.sleep(_WAIT_S)
    return state


async def run(data: Path, *, nodes: int, sessions: int, peers: bool = False) -> dict[str, Any]:
    """CPU of a node beside plain asyncio and the peers that have graphs; seconds of 20 waits."""
    actions.functions["goes_on"] = lambda state: state["turns"] < nodes // WIDTH
    found: dict[str, Any] = {
        "asyncio": {
            "sequence_us": await _us(lambda: _calls(nodes), nodes),
            "parallel_us": await _us(lambda: _gathers(nodes // WIDTH), nodes),
        },
        "reins": {
            "sequence_us": await _us(_plan(sequence(*["nothing"] * nodes)), nodes),
            "parallel_us": await _us(_plan(_parallels()), nodes + nodes // WIDTH),
        },
        "waits": await _waits(),
        "durable": await _durable(data / "durable", nodes // 10, sessions),
    }
    found["beside"] = {}
    for name in PLAN_PEERS if peers else ():
        module = f"bench.peers.{name}_plan"
        found[name] = await contend(name, data / name, module=module, nodes=nodes, width=WIDTH)
        found["beside"][name] = {
            each: round(found["reins"][each] / found[name][each], 3)
            for each in ("sequence_us", "parallel_us")
        }
    return found


def _parallels() -> Node:
    return loop_while("goes_on", sequence(parallel(*["nothing"] * WIDTH), "turn"))


def _plan(plan: Node) -> Callable[[], Awaitable[object]]:
    program = compile_plan(actions, plan)
    return lambda: run_plan_async(program, {"turns": 0})


async def _us(work: Callable[[], Awaitable[object]], nodes: int) -> float:
    """Microseconds of CPU a node; the second of two runs."""
    for _ in range(2):
        began = time.process_time()
        await work()
        took = time.process_time() - began
    return round(took / nodes * 1e6, 2)


async def _calls(nodes: int) -> None:
    state = {"turns": 0}
    for _ in range(nodes):
        state = await nothing(state)


async def _gathers(turns: int) -> None:
    state = {"turns": 0}
    for _ in range(turns):
        await asyncio.gather(*(nothing(state) for _ in range(WIDTH)))
        state = await turn(state)


async def _waits() -> dict[str, float]:
    took = {}
    for name, plan in (("sequence", sequence), ("parallel", parallel)):
        began = time.perf_counter()
        await run_plan_async(compile_plan(actions, plan(*["wait"] * _WAITS)), {"turns": 0})
        took[name] = round(time.perf_counter() - began, 3)
    return {"sequence_s": took["sequence"], "parallel_s": took["parallel"],
            "times": round(took["sequence"] / took["parallel"], 2)}  # fmt: skip


async def _durable(data: Path, nodes: int, sessions: int) -> dict[str, float]:
    """Sessions that run a sequence each, a row a node: CPU of the worker, and rows a second."""
    plan = {"kind": "sequence", "items": ["nothing"] * nodes}
    async with runtime_on(data, plans=["bench.plans"]) as runtime:
        began, cpu = time.perf_counter(), time.process_time()
        await _create(runtime, plan, sessions)
        while runtime.fleet.live:  # noqa: ASYNC110 - nobody tells of the last
            await asyncio.sleep(0.02)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {"cpu_us": round(cpu / (nodes * sessions) * 1e6, 1),
            "nodes_per_s": round(nodes * sessions / took, 1)}  # fmt: skip


async def _create(runtime: Runtime, plan: dict[str, Any], sessions: int) -> None:
    kind = runtime.types.by_name["plan"]
    config = kind.Config.model_validate({"plan": plan, "state": {}})
    await asyncio.gather(
        *(
            runtime.fleet.create(
                kind, config, agent_id=f"plan-{n}", session_id=f"plan-{n}", before=None,
                created={"created_by": "bench", "description": None, "metadata": None},
            )
            for n in range(sessions)
        )
    )  # fmt: skip
