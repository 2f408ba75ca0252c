"""The same work by Reins, the floors and the peers, one after the other: compare within a round."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
OWN, FLOORS = "reins", ("sqlite", "log")
PEERS = ("langgraph", "dbos", "burr", "autogen")
PLAN_PEERS = ("langgraph", "pydantic_graph", "burr")
"""Those beside which plans run (`bench.plans`)."""
_MODULES = {
    "reins": "bench.ticks",
    "sqlite": "bench.peers.sqlite_wal",
    "log": "bench.peers.log_file",
    "langgraph": "bench.peers.langgraph_sqlite",
    "dbos": "bench.peers.dbos_sqlite",
    "burr": "bench.peers.burr_sqlite",
    "autogen": "bench.peers.autogen_memory",
}
_SYNCS = "fsync,fdatasync,syncfs,sync,msync,sync_file_range"
_LIMIT_S = 300.0


class ContenderError(RuntimeError):
    """A contender did not give its figures."""


def contenders(*, peers: bool) -> tuple[str, ...]:
    return (OWN, *FLOORS, *(PEERS if peers else ()))


async def run(data: Path, *, sessions: int, seconds: float, peers: bool = False) -> dict[str, Any]:
    """Figures of each, and Reins' ticks a second as a share of each of the others'."""
    found = {}
    for name in contenders(peers=peers):
        found[name] = await contend(name, data / name, sessions=sessions, seconds=seconds)
    own = found[OWN]["ticks_per_s"]
    beside = {
        name: round(own / max(0.1, each["ticks_per_s"]), 3)
        for name, each in found.items()
        if name != OWN
    }
    return {"sessions": sessions, "beside": beside, **found}


async def contend(
    name: str,
    data: Path,
    *,
    module: str | None = None,
    before: Sequence[str] = (),
    **arguments: Any,
) -> dict[str, Any]:
    """One contender in a process of its own, on a folder of its own; `module` is that of its ticks.

    Raises: ContenderError.
    """
    data.mkdir(parents=True)  # noqa: ASYNC240 - nothing else runs on this loop
    python = ROOT / ".peers" / "bin" / "python" if name in {*PEERS, *PLAN_PEERS} else sys.executable
    given = json.dumps({"data": str(data), **arguments})
    process = await asyncio.create_subprocess_exec(
        *before, python, "-m", "bench.peers", module or _MODULES[name], given,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        output, _ = await asyncio.wait_for(process.communicate(), _LIMIT_S)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    shutil.rmtree(data)
    lines = output.decode().splitlines()
    if process.returncode or not lines:
        raise ContenderError(
            f"{name} ended with exit code {process.returncode}; its error is above. "
            "`make bench-peers` installs the peers anew where .peers is removed."
        )
    figures: dict[str, Any] = json.loads(lines[-1])
    return figures


async def syncs(
    data: Path, *, sessions: int, seconds: float, peers: bool = False
) -> dict[str, Any]:
    """Synced how often: system calls of each contender, seen by strace, per tick in its window."""
    strace = _strace()
    if strace is None:
        return {"skipped": "strace is not installed, or may not trace here"}
    found = {}
    for name in contenders(peers=peers):
        trace = data / f"{name}.trace"
        before = (*strace, "-ttt", "-o", str(trace))
        figures = await contend(
            name, data / name, before=before, sessions=sessions, seconds=seconds
        )
        seen = _seen(trace.read_text(), figures["between"])
        found[name] = {
            "name": figures["name"],
            "durability": figures["durability"],
            "syncs": seen,
            "ticks": figures["ticks"],
            "ticks_per_sync": round(figures["ticks"] / sum(seen.values()), 2) if seen else None,
        }
    return {"sessions": sessions, **found}


def _strace() -> tuple[str, ...] | None:
    """The command that traces syncs of a process and of what it starts; None where it cannot."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    command = (strace, "-f", "-qq", "--seccomp-bpf", "-e", f"trace={_SYNCS}")
    tried = subprocess.run([*command, "true"], check=False, capture_output=True)
    return command if tried.returncode == 0 else None  # a container may forbid it


def _seen(trace: str, between: Sequence[float]) -> dict[str, int]:
    """Calls by name that began within the window; a call's second half is not another call."""
    counts: dict[str, int] = {}
    for at, call in re.findall(r"^\d+ +([\d.]+) (\w+)\(", trace, re.MULTILINE):
        if between[0] <= float(at) <= between[1]:
            counts[call] = counts.get(call, 0) + 1
    return counts
