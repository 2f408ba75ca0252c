"""`python -m bench [NAME ...] [--quick]`: run benchmarks, print their figures as JSON."""

import argparse
import asyncio
import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

BENCHMARKS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "ticks_1": ("ticks", {"sessions": 1, "seconds": 60.0}, {"seconds": 5.0}),
    "ticks_100": ("ticks", {"sessions": 100, "seconds": 60.0}, {"seconds": 5.0}),
    "ticks_1000": ("ticks", {"sessions": 1_000, "seconds": 60.0}, {"seconds": 5.0}),
    "guidance": ("guidance", {"sessions": 1_000, "guidances": 300}, {"guidances": 50}),
    "paused": ("paused", {"sessions": 10_000}, {"sessions": 2_000}),
    "restart": ("restart", {"sessions": 1_000}, {}),
    "clients": (
        "clients",
        {"sessions": 1_000, "clients": 100, "stalled": 5, "seconds": 60.0},
        {"seconds": 15.0},
    ),
    "page_live": ("page_live", {"sessions": 1_000, "seconds": 60.0}, {"seconds": 10.0}),
    "page_large": (
        "page_large",
        {"sessions": 5_000, "rows": 50_000, "minutes": 10.0},
        {"sessions": 2_000, "rows": 10_000, "minutes": 0.5},
    ),
    "reconnects": ("reconnects", {"times": 100}, {"times": 10}),
    "talk": (
        "talk",
        {"conversations": 200, "rounds": 3, "latencies": 200, "idle_s": 20.0},
        {"conversations": 20, "rounds": 1, "latencies": 20, "idle_s": 5.0},
    ),
    "transcript": (
        "transcript",
        {"length": 100_000, "total": 1_000_000},
        {"length": 10_000, "total": 50_000},
    ),
    "calls": (
        "calls",
        {"sessions": 256, "calls": 50_000, "streams": 256, "aborts": 30},
        {"calls": 5_000, "streams": 32, "aborts": 5},
    ),
    "faults": ("faults", {"sessions": 256, "seconds": 60.0}, {"sessions": 32, "seconds": 10.0}),
    "telemetry": (
        "telemetry",
        {"sessions": 100, "seconds": 20.0, "rounds": 3},
        {"seconds": 3.0, "rounds": 1},
    ),
    "commands": (
        "commands",
        {"commands": 200, "at_once": 8, "seconds": 20.0, "cancels": 30},
        {"commands": 20, "seconds": 2.0, "cancels": 5},
    ),
    "tools": ("tools", {"calls": 5_000}, {"calls": 500}),
    "tasks": (
        "tasks",
        {"sessions": 200, "seconds": 20.0, "rounds": 3},
        {"sessions": 20, "seconds": 3.0, "rounds": 1},
    ),
    "mcp": (
        "mcp",
        {"sessions": 500, "calls_per_s": 100.0, "seconds": 60.0},
        {"sessions": 100, "seconds": 5.0},
    ),
    "disk": ("disk", {"sessions": 100, "seconds": 60.0}, {"seconds": 5.0}),
    "million": ("million", {"ticks": 1_000_000}, {"ticks": 100_000}),
}
"""Name to module, arguments, and what `--quick` changes of them."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="smaller, to see that they run")
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    flags = parser.parse_args()
    names = flags.names or list(BENCHMARKS)
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    if flags.in_this_process:
        print(json.dumps(_run(names[0], quick=flags.quick)))
        return 0
    print(json.dumps({name: _in_process(name, quick=flags.quick) for name in names}, indent=2))
    return 0


def _in_process(name: str, *, quick: bool) -> Any:
    command = [sys.executable, "-m", "bench", name, "--in-this-process"]
    done = subprocess.run(
        command + ["--quick"] * quick, check=False, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        return {"failed": f"exit code {done.returncode}"}
    print(f"{name}: {done.stdout.strip()}", file=sys.stderr, flush=True)
    return json.loads(done.stdout)


def _run(name: str, *, quick: bool) -> Any:
    module, arguments, smaller = BENCHMARKS[name]
    run = importlib.import_module(f"bench.{module}").run
    with tempfile.TemporaryDirectory(prefix="reins-bench-") as data:
        return asyncio.run(run(Path(data), **(arguments | (smaller if quick else {}))))


if __name__ == "__main__":
    sys.exit(main())
