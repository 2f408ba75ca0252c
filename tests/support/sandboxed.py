"""A process that runs commands in a confinement, by its own user: a line of JSON for each.

`python -m tests.support.sandboxed KIND` reads orders and answers each; the first line tells whether
the confinement works here. Imports nothing of ours but the sandbox.
"""

import asyncio
import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from reins.tools.sandbox import probing
from reins.tools.sandbox.command import Limits
from reins.tools.sandbox.confinement import Confinement
from reins.tools.sandbox.tree import below


async def main(kind: str) -> None:
    made: Confinement | str = Confinement("unconfined", "for comparison")
    if kind != "unconfined":
        made = probing.by_bubblewrap() if kind == "bubblewrap" else probing.by_landlock()
    why = made if isinstance(made, str) else await probing.fails(made)
    say({"why_not": why, "uid": os.getuid()})
    if isinstance(made, str) or why:
        return
    while line := await asyncio.to_thread(sys.stdin.readline):
        say(await answer(made, json.loads(line)))


async def answer(made: Confinement, order: dict[str, Any]) -> dict[str, Any]:
    limits = Limits(**order.get("limits", {}))
    work = made.run(
        order["argv"],
        Path(order["workspace"]),
        limits,
        stdin=order.get("stdin", "").encode(),
    )
    task = asyncio.create_task(work)
    if "cancel_after_s" in order:
        return await cancelled(task, Path(order["workspace"]), order["cancel_after_s"])
    ran = await task
    return {
        "end": ran.end,
        "code": ran.code,
        "signal": ran.signal,
        "took_s": ran.took_s,
        "output": ran.output,
        "output_bytes": ran.output_bytes,
        "left": below(os.getpid())[1:],
    }


async def cancelled(task: "asyncio.Task[Any]", workspace: Path, after_s: float) -> dict[str, Any]:
    """Cancel it once it has made the file `started`, and say how long that took."""
    while not (workspace / "started").exists():  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0.01)
    await asyncio.sleep(after_s)
    began = time.perf_counter()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return {"took_s": time.perf_counter() - began, "left": below(os.getpid())[1:]}


def say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
