"""The cost of the tool layer: a call under its policy, beyond what the tool itself takes."""

import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from statistics import median
from typing import Any

from reins import logs
from reins.tools import Calls, Context, Rate, Tool, tool
from reins.tools.builtin.files import read_file

Call = Callable[[], Coroutine[Any, Any, Any]]


@tool(risk="low", breaker_failures=None)
async def nothing(text: str, number: int = 1) -> str:
    """Do nothing."""
    del number
    return text


@tool(risk="low", idempotent=True, rate=Rate(1_000_000))
async def nothing_guarded(text: str, number: int = 1) -> str:
    """Do nothing; with tries, a rate and a breaker."""
    del number
    return text


@tool(risk="low")
def nothing_in_a_thread(text: str, number: int = 1) -> str:
    """Do nothing, in a thread."""
    del number
    return text


async def run(data: Path, *, calls: int) -> dict[str, Any]:
    """`calls` of each kind, one after the other; the log is written, as in a worker."""
    logs.configure("info", "json")
    context = Context(session_id="bench", seq=1, workspace=_workspace(data))
    found = {
        each.name: await _us(each, {"text": "x" * 100, "number": 3}, context, calls)
        for each in (nothing, nothing_guarded, nothing_in_a_thread)
    }
    return {
        "calls": calls,
        "us_per_call": found,
        "read_file_us": await _us(read_file, {"path": "file.txt"}, context, calls),
    }


def _workspace(data: Path) -> Path:
    data.mkdir(parents=True, exist_ok=True)
    (data / "file.txt").write_text("a line\n" * 100)
    return data


async def _us(each: Tool, arguments: dict[str, Any], context: Context, calls: int) -> float:
    """Median microseconds of a call."""
    made, took = Calls(), []
    for _ in range(calls):
        began = time.perf_counter()
        outcome = await made.call(each, arguments, context)
        took.append((time.perf_counter() - began) * 1e6)
        assert outcome.ok, outcome
    return round(median(took), 1)
