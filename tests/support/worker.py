"""Worker processes for tests: `python -m agents` as a person starts it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.support.program import ROOT, Program
from tests.support.waiting import until

_PROGRAM = (
    "agents.py", "app.py", "queue_imp.py",
    "agent_core", "agents_impl", "baml_src", "reins", "store",
)  # fmt: skip
TYPES = '["agents_impl", "tests.support.odd_agents", "tests.support.asking_agents"]'
EXIT_S = 25.0


def copy_program(to: Path) -> Path:
    """The program in a folder of its own, where a test may edit it."""
    to.mkdir()
    for name in _PROGRAM:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, to / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
            )
        else:
            shutil.copy(source, to / name)
    return to


class Worker:
    """One process of ours; what it prints goes to files, and is read back for conditions."""

    def __init__(
        self,
        data: Path,
        logs: Path,
        *command: str,
        cwd: Path = ROOT,
        settings: Mapping[str, str | None] | None = None,
        imports: bool = False,
    ) -> None:
        """With `imports` it imports everything itself, which takes it seconds longer."""
        self.stdout, self.stderr = logs.with_suffix(".out"), logs.with_suffix(".err")
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("REINS_")},
            "REINS_DATA": str(data),
            "REINS_HEARTBEAT_S": "0.1",
            "REINS_STOP_GRACE_S": "1",
            "REINS_PACE": "free",
            "REINS_AGENT_MODULES": TYPES,
            "PYTHONPATH": os.pathsep.join((str(cwd), str(ROOT))),
            **(settings or {}),
        }
        environment = {name: value for name, value in environment.items() if value is not None}
        with self.stdout.open("wb") as out, self.stderr.open("wb") as err:
            given = command or ("-m", "agents")
            self.process = (
                subprocess.Popen(
                    [sys.executable, *given], cwd=cwd, env=environment, stdout=out, stderr=err
                )
                if imports
                else Program(given, cwd=cwd, env=environment, stdout=out, stderr=err)
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def lines(self) -> list[dict[str, Any]]:
        """The log lines so far; each is JSON, or this fails."""
        return [json.loads(line) for line in self.stderr.read_text().splitlines() if line]

    def said(self, event: str) -> dict[str, Any] | None:
        return next((line for line in self.lines() if line["event"] == event), None)

    def started(self) -> Self:
        def up() -> bool:
            assert self.process.poll() is None, self.stderr.read_text()
            return '"worker started"' in self.stderr.read_text()

        until(up, "the worker started")
        return self

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(EXIT_S)


class Workers:
    """Workers by the hundred, each with its log; those that are left at the end are killed."""

    def __init__(self) -> None:
        self._starts: dict[Program, tuple[Path, int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in list(self._starts):
            self.kill(worker)

    def start(self, data: Path, log: Path, **settings: str) -> Program:
        """A worker on `data`, which adds to `log`."""
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("REINS_")},
            "REINS_DATA": str(data),
            "REINS_AGENT_MODULES": TYPES,
            "REINS_PACE": "free",
            "REINS_HEARTBEAT_S": "0.02",
            "REINS_FLUSH_S": "0.1",
            "REINS_STOP_GRACE_S": "2",
            **settings,
        }
        before = _starts_in(log)
        with log.open("ab") as err:
            worker = Program(
                ["-m", "agents"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=err
            )
        self._starts[worker] = log, before
        return worker

    def kill(self, worker: Program) -> None:
        del self._starts[worker]
        worker.kill()
        worker.wait(EXIT_S)

    def stop(self, worker: Program) -> None:
        """Cleanly, once it has come to listen to signals."""
        log, before = self._starts.pop(worker)
        until(lambda: _starts_in(log) > before or worker.poll() is not None, "the worker started")
        worker.send_signal(signal.SIGTERM)
        worker.wait(EXIT_S)


def _starts_in(log: Path) -> int:
    return log.read_text().count('"worker started"') if log.exists() else 0
