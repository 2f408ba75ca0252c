"""`python -m bench [NAME …]`: run benchmarks by rounds, and write their figures as one table."""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench import document, machine, report
from bench.workload import Measured
from bench.workloads import WORKLOADS, arguments_of
from reins import event_loop

_RESULTS = Path(__file__).parent / "results"
_QUICK_LIMIT_S = 120.0
_LIMIT_S = 3_600.0


def main() -> int:
    flags = _flags()
    if flags.in_this_process:
        print(json.dumps(_run(flags.names[0], quick=flags.quick, peers=flags.peers)))
        return 0
    if flags.document:
        document.write()
        return 0
    facts = machine.facts()
    measured = _measure(flags)
    facts["load_after"] = [round(each, 2) for each in os.getloadavg()]
    found = report.document(facts, measured, WORKLOADS)
    name = "quick" if flags.quick else "peers" if flags.peers else "bench"
    for path in report.write(flags.into, name, found):
        print(f"{path}", file=sys.stderr)
    print(report.as_markdown(found))
    if flags.write:
        document.keep(name, found)
    for failed, error in found["errors"].items():
        print(f"{failed} failed: {error}", file=sys.stderr)
    return 1 if found["errors"] else 0


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(WORKLOADS))
    parser.add_argument("--quick", action="store_true", help="smaller, to see that they run")
    parser.add_argument("--rounds", type=int, help="rounds of each, instead of the table's")
    parser.add_argument("--peers", action="store_true", help="the contests, with the peers in them")
    parser.add_argument("--into", type=Path, default=_RESULTS, help="folder of the results")
    parser.add_argument(
        "--write", action="store_true", help="keep the figures, and set them into the documents"
    )
    parser.add_argument(
        "--document", action="store_true", help="set the figures that are kept into the documents"
    )
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if unknown := set(flags.names) - set(WORKLOADS):
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(WORKLOADS)}")
    if not flags.names:
        flags.names = [name for name, each in WORKLOADS.items() if each.contest or not flags.peers]
    if flags.write and flags.quick:
        parser.error("--quick gives no figures to be kept; leave out --quick or --write")
    return flags


def _measure(flags: argparse.Namespace) -> dict[str, Measured]:
    """Round by round all that have one left: what the machine does besides hits each alike.

    Quick ones run side by side, for they only show that they run.
    """
    measured = {name: Measured() for name in flags.names}
    rounds = {
        name: 1 if flags.quick else flags.rounds or WORKLOADS[name].rounds for name in flags.names
    }

    def one(name: str) -> None:
        _round(name, measured[name], quick=flags.quick, peers=flags.peers)

    with ThreadPoolExecutor(os.cpu_count() if flags.quick else 1) as pool:
        for number in range(max(rounds.values())):
            list(pool.map(one, [name for name in flags.names if number < rounds[name]]))
    return measured


def _round(name: str, into: Measured, *, quick: bool, peers: bool) -> None:
    command = [sys.executable, "-m", "bench", name, "--in-this-process"]
    command += ["--quick"] * quick + ["--peers"] * peers
    try:
        done = subprocess.run(
            command, check=False, stdout=subprocess.PIPE, text=True,
            timeout=_QUICK_LIMIT_S if quick else _LIMIT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        into.error = f"it did not end within {error.timeout:g} s"
        return
    if done.returncode:
        into.error = f"exit code {done.returncode}; its error is above"
        return
    print(f"{name}: {done.stdout.strip()}", file=sys.stderr, flush=True)
    into.rounds.append(json.loads(done.stdout))


def _run(name: str, *, quick: bool, peers: bool) -> Any:
    run = importlib.import_module(f"bench.{WORKLOADS[name].module}").run
    with tempfile.TemporaryDirectory(prefix="reins-bench-") as data:
        return event_loop.run(run(Path(data), **arguments_of(name, quick=quick, peers=peers)))


if __name__ == "__main__":
    sys.exit(main())
