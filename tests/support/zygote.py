"""Workers by the hundred: a process that has imported everything and opened nothing, and forks.

A worker's imports take seconds, a fork of this takes none. Run as `python -m
tests.support.zygote`, it reads one JSON line for each worker, `{"data", "log", "settings"}`, and
answers with its pid.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.support.forking import Forked
from tests.support.waiting import until
from tests.support.worker import ROOT, TYPES


class Zygote:
    """The test's side of it. Ending it kills its workers."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._starts: dict[int, tuple[Path, int]] = {}

    def __enter__(self) -> Self:
        self._err = self._log.open("wb")
        self._process = Forked(
            ["-m", "tests.support.zygote"], cwd=ROOT, env=os.environ,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._err,
        )  # fmt: skip
        assert self._process.stdout.readline() == "ready\n", self._log.read_text()
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self._starts:
            kill(pid)
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
        self._err.close()

    def start(self, data: Path, log: Path, **settings: str) -> int:
        """A new worker's pid. Call it from one thread at a time."""
        before = starts_in(log)
        line = json.dumps({"data": str(data), "log": str(log), "settings": settings})
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        self._starts[pid] = log, before
        return pid

    def kill(self, pid: int) -> None:
        kill(pid)
        self._starts.pop(pid, None)

    def stop(self, pid: int) -> None:
        """A clean stop, of a worker that has come to listen to signals."""
        log, before = self._starts[pid]
        until(lambda: starts_in(log) > before or not alive(pid), "the worker started")
        os.kill(pid, signal.SIGTERM)
        until(lambda: not alive(pid), "the worker stopped")
        del self._starts[pid]


def starts_in(log: Path) -> int:
    return log.read_text().count('"worker started"') if log.exists() else 0


def kill(pid: int) -> None:
    if alive(pid):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid), "the killed worker has gone")


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _main() -> None:
    import agents  # noqa: PLC0415 - the test's side of this file needs neither
    import tests.support.odd_agents  # noqa: F401, PLC0415

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps them
    print("ready", flush=True)  # noqa: T201 - how its parent learns it
    for line in sys.stdin:
        asked = json.loads(line)
        if pid := os.fork():
            print(pid, flush=True)  # noqa: T201
            continue
        _become_a_worker(asked)
        os._exit(agents.main([]))


def _become_a_worker(asked: dict) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.dup2(log, 2)
    os.environ |= {
        "REINS_DATA": asked["data"],
        "REINS_AGENT_MODULES": TYPES,
        "REINS_HEARTBEAT_S": "0.02",
        "REINS_FLUSH_S": "0.1",
        "REINS_STOP_GRACE_S": "2",
        **asked["settings"],
    }


if __name__ == "__main__":
    _main()
