"""Calls of an MCP server beside sessions that tick: how late the agents' loop is."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from bench.measure import LagProbe, create_fleet, rss_mib, runtime_on, total_ticks, until
from reins.tools.context import Context

_SERVER = '''
import sys
from mcp.server import MCPServer
server = MCPServer("bench")

@server.tool()
def echo(text: str) -> str:
    """Say it again."""
    return text

server.run("stdio")
'''


async def run(data: Path, *, sessions: int, calls_per_s: float, seconds: float) -> dict[str, Any]:
    """Paced calls over the policy layer, of a server made with the protocol's own library."""
    server = {"command": sys.executable, "args": ["-c", _SERVER], "env": _path()}
    file = data / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"bench": server}}))
    os.environ["REINS_MCP"] = str(file)
    async with runtime_on(data / "data", model="offline") as runtime:
        await until(lambda: "bench__echo" in runtime.toolbox.tools.tools)
        await create_fleet(runtime, sessions, 3.0)
        await asyncio.sleep(2.0)
        with LagProbe() as alone:
            await asyncio.sleep(seconds / 2)
        took: list[float] = []
        with LagProbe() as probe:
            before = total_ticks(runtime)
            failed = await _paced(runtime, calls_per_s, seconds, took)
            ticks = total_ticks(runtime) - before
        took.sort()
        return {
            "sessions": sessions,
            "calls": len(took),
            "calls_failed": failed,
            "calls_per_s": round(len(took) / seconds, 1),
            "ticks_per_s": round(ticks / seconds, 1),
            "call_ms": {
                "p50": round(took[len(took) // 2] * 1e3, 2),
                "p99": round(took[int(len(took) * 0.99)] * 1e3, 2),
            },
            "loop_lag_ms_without_calls": alone.figures(),
            "loop_lag_ms": probe.figures(),
            "rss_mib": rss_mib(),
        }


async def _paced(runtime: Any, calls_per_s: float, seconds: float, took: list[float]) -> int:
    """Begin calls at that pace, whether or not those before have ended."""
    tool, calls = runtime.toolbox.tools.tools["bench__echo"], runtime.toolbox.calls
    failed = 0

    async def one(number: int) -> None:
        nonlocal failed
        began = time.perf_counter()
        made = await calls.call(tool, {"text": f"call {number}"}, Context())
        took.append(time.perf_counter() - began)
        failed += not made.ok

    async with asyncio.TaskGroup() as group:
        began = time.perf_counter()
        for number in range(int(calls_per_s * seconds)):
            await asyncio.sleep(max(0.0, began + number / calls_per_s - time.perf_counter()))
            group.create_task(one(number))
    return failed


def _path() -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join(sys.path)}
