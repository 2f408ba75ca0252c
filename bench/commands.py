"""Commands of tools: a sandbox's start, the loop's lag under many at once, how fast one ends."""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench.measure import LagProbe, spread
from reins.tools.sandbox import probing
from reins.tools.sandbox.command import Limits
from reins.tools.sandbox.confinement import Confinement

_WARM_UP = 5


async def run(
    data: Path, *, commands: int, at_once: int, seconds: float, cancels: int
) -> dict[str, Any]:
    """By turns without a sandbox and in each, so that what the machine does besides hits all."""
    made = [each for each in (probing.by_bubblewrap(), probing.by_landlock()) if _is(each)]
    figures: dict[str, Any] = {"load": [round(each, 1) for each in os.getloadavg()]}
    starts = await _starts(data, made, commands)
    figures["start_ms"] = {name: spread(times) for name, times in starts.items()}
    plain = spread(starts["plain"])["p50"]
    figures["times_plain"] = {
        name: round(spread(times)["p50"] / plain, 1) for name, times in starts.items()
    }
    for each in made:
        figures[each.kind] = {
            "at_once": await _many(data, each, at_once, seconds),
            "cancel_ms": await _cancelled(data, each, cancels),
        }
    return figures


def _is(found: Confinement | str) -> bool:
    return isinstance(found, Confinement)


def _workspace(data: Path, made: Confinement, name: str) -> Path:
    folder = data / f"{made.kind}-{name}"
    folder.mkdir(exist_ok=True)
    if made.owner is not None:
        os.chmod(data, 0o755)  # noqa: PTH101 - without namespaces its path has to be open
        os.chown(folder, made.owner, made.owner)
    return folder


async def _starts(data: Path, made: list[Any], commands: int) -> dict[str, list[float]]:
    ways: dict[str, Callable[[], Awaitable[Any]]] = {"plain": _plain}
    for each in made:
        folder = _workspace(data, each, "start")
        ways[each.kind] = lambda each=each, folder=folder: each.run(["true"], folder)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(_WARM_UP + commands):
        for name, way in ways.items():
            began = time.perf_counter()
            await way()
            if number >= _WARM_UP:
                times[name].append((time.perf_counter() - began) * 1_000)
    return times


async def _plain() -> None:
    process = await asyncio.create_subprocess_exec("true", stdout=asyncio.subprocess.PIPE)
    await process.communicate()


async def _many(data: Path, made: Confinement, at_once: int, seconds: float) -> dict[str, Any]:
    """Commands that print much, one after the other in each of so many tasks."""
    ends_at, done = time.monotonic() + seconds, 0

    async def one(number: int) -> None:
        nonlocal done
        folder = _workspace(data, made, f"many-{number}")
        while time.monotonic() < ends_at:
            ran = await made.run(["sh", "-c", "head -c 2000000 /dev/zero | tr '\\0' x"], folder)
            assert ran.ok, ran
            done += 1

    with LagProbe() as lag:
        await asyncio.gather(*(one(number) for number in range(at_once)))
    return {"tasks": at_once, "commands_per_s": round(done / seconds, 1), "lag_ms": lag.figures()}


async def _cancelled(data: Path, made: Confinement, cancels: int) -> dict[str, float]:
    """From the cancel until the command is gone with what it has started."""
    folder, times = _workspace(data, made, "cancel"), []
    for number in range(cancels):
        mark = folder / f"started-{number}"
        line = f"setsid sleep 100 & touch {mark.name}; sleep 100"
        task = asyncio.create_task(made.run(["sh", "-c", line], folder, Limits(time_s=60)))
        while not mark.exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.002)
        began = time.perf_counter()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        times.append((time.perf_counter() - began) * 1_000)
    return spread(times)
