"""Three workers share a queue of jobs; one of them hangs, and the program is killed amid the work.

python examples/work_queue.py
python examples/work_queue.py --jobs 100 --data ./data-of-the-queue

It starts a worker of its own, kills it with SIGKILL once some jobs are done, and starts it again.
Each job's effect is there once all the same, whoever has done it. It needs no key and no network.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import queue_imp as q
from agent_core.agent.results import StepResult
from reins.bus.publishing import Publish
from reins.bus.reactive import ReactiveAgentBase
from reins.bus.subscribing import Delivery, ReactiveConfig, ReactiveState
from store.topics import list_topic_messages, message_of

ROOT = Path(__file__).resolve().parents[1]
JOBS, DONE = "jobs", "done"
TEAM = {"ann": False, "ben": False, "cy": True}
"""The workers, and which of them hangs on every job."""
PATIENCE_S = 120.0


class SquareConfig(ReactiveConfig):
    hangs: bool = False
    takes_s: float = 0.05


class SquareWorker(ReactiveAgentBase):
    """Squares a number, and publishes what came of it in the commit that says the job is done."""

    agent_type = "square_worker"
    Config, State = SquareConfig, ReactiveState

    async def receive(self, message: Delivery) -> StepResult:
        await asyncio.sleep(3_600 if self.config.hangs else self.config.takes_s)
        number = message.message["number"]
        done = {"number": number, "square": number**2, "by": self.session.session_id}
        return StepResult(f"{number}² = {number**2}", effects=[Publish(self, DONE, done)])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Share a queue of jobs among three workers.")
    parser.add_argument("--jobs", type=int, default=40)
    parser.add_argument("--data", help="a new folder; a temporary one, if left out")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["REINS_DATA"] = str(Path(given.data or Path(folder) / "data").resolve())
        os.environ["REINS_AGENT_MODULES"] = '["examples.work_queue"]'
        done = worked_off(given.jobs)
    counts = Counter(each["number"] for each in done)
    by = Counter(each["by"] for each in done)
    print(f"{len(counts)} jobs are done, by {dict(sorted(by.items()))}")
    twice = [number for number, count in counts.items() if count > 1]
    print(f"twice: {twice or 'none'}; missing: {given.jobs - len(counts) or 'none'}")
    return 1 if twice or len(counts) < given.jobs else 0


def worked_off(jobs: int) -> list[dict]:
    """What came of all jobs."""
    worker = started()
    try:
        for number in range(1, jobs + 1):
            q.publish(JOBS, "example", {"number": number})
        for name, hangs in TEAM.items():
            config = {
                "on": [f"topic:{JOBS}"], "since": "all", "group": "squares", "batch": 4,
                "lease_s": 1.0, "attempts": 5, "hangs": hangs,
            }  # fmt: skip
            q.agent_create(name, "example", agent_type="square_worker", config=config)
        until_done(jobs // 3)
        worker.kill()
        worker.wait()
        print(f"killed after {len(results())} jobs")
        worker = started()
        return until_done(jobs)
    finally:
        worker.terminate()
        worker.wait()


def started() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "agents"], cwd=ROOT, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def until_done(count: int) -> list[dict]:
    until = time.monotonic() + PATIENCE_S
    while len(done := results()) < count:
        if time.monotonic() > until:
            raise SystemExit(f"{len(done)} of {count} jobs are done after {PATIENCE_S:g} s")
        time.sleep(0.05)
    return done


def results() -> list[dict]:
    return [message_of(row) for row in list_topic_messages(DONE, limit=1_000_000)]


if __name__ == "__main__":
    sys.exit(main())
