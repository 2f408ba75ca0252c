"""Follows a document as a reader would: its shell lines and its Python, with deadlines."""

import contextlib
import io
import os
import shlex
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from reins.cli import queue as queue_cli
from reins.cli.main import STEER
from reins.cli.main import main as reins
from tests.docs.expected import ROOT
from tests.support.waiting import until
from tests.support.worker import Worker

DEADLINE_S = 30.0
NOT_RUN = ("git clone ", ". .venv/bin/activate", "make test", "make bench", "python -m bench ")
"""What would set up a machine, or take minutes; `test_documents.py` looks at these lines."""


QUEUE = "python -m queue_imp "


class Follower:
    """A reader with an empty folder, where the working folder is and the data come to be."""

    def __init__(self, folder: Path, entry: tuple[str, ...], **settings: str) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {"__name__": "document"}
        self._entry = entry
        self._settings = settings
        self._workers: list[Worker] = []

    def close(self) -> None:
        for worker in self._workers:
            worker.__exit__()

    @property
    def worker(self) -> Worker:
        return self._workers[-1]

    def python(self, source: str) -> str:
        """Run a block in the names of those before it; returns what it printed."""
        printed = io.StringIO()
        with within(DEADLINE_S), contextlib.redirect_stdout(printed):
            exec(compile(source, "document", "exec"), self.names)
        return printed.getvalue()

    def shell(self, line: str) -> str:
        """Run one line; returns what it printed."""
        if line.startswith(NOT_RUN):
            return ""
        if line.endswith("make run"):
            given = shlex.split(line.removesuffix("make run"))
            self.start(**dict(setting.split("=", 1) for setting in given))
            return ""
        if line.startswith("curl "):
            return self._get(line.rsplit(maxsplit=1)[-1])
        if is_reins(line):
            line = f"python -m {line}"
        if " watch " in line:
            return self._watch(line)
        done = subprocess.run(
            ["bash", "-euc", line], cwd=self.folder, env=environment(), timeout=DEADLINE_S,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (line, done.stderr)
        return done.stdout

    def start(self, **settings: str) -> None:
        """`make run`: the entry point in this folder."""
        number = len(self._workers)
        given = {"REINS_DATA": None, "REINS_AGENT_MODULES": None, **self._settings, **settings}
        worker = Worker(
            self.folder / "data", self.folder / f"worker{number}", *self._entry,
            cwd=self.folder, settings=given,
        )  # fmt: skip
        self._workers.append(worker)
        worker.started()

    def _get(self, address: str) -> str:
        """What curl prints, from the port that the worker was given."""
        said = until(lambda: "http://" in self.worker.stdout.read_text(), "its address") and (
            self.worker.stdout.read_text()
        )
        port = said.partition("http://127.0.0.1:")[2].partition("/")[0]
        with urllib.request.urlopen(address.replace("8700", port), timeout=DEADLINE_S) as answer:
            return answer.read().decode()

    def _watch(self, line: str) -> str:
        """Follow until a joke has come, then press Ctrl-C."""
        with subprocess.Popen(
            shlex.split(f"{sys.executable} {line.removeprefix('python ')}"),
            cwd=self.folder, env=environment(), stdout=subprocess.PIPE, text=True,
        ) as watching, within(DEADLINE_S):  # fmt: skip
            lines = []
            while not lines or " tick " not in lines[-1]:
                lines.append(watching.stdout.readline())
                assert lines[-1], "watch ended by itself"
            watching.send_signal(signal.SIGINT)
            assert watching.wait() == 0
        return "".join(lines)


def is_reins(line: str) -> bool:
    """Whether a line calls the installed program, which need not be installed here."""
    return line.startswith("reins ")


def is_steering(line: str) -> bool:
    """Whether a line steers or looks, by either name."""
    program, *rest = line.removeprefix("python -m ").split(maxsplit=2)
    return program in ("queue_imp", "reins") and rest[0] in STEER


def acts(line: str) -> bool:
    """True if a line asks for something, whose outcome `--wait` waits for."""
    verb = line.removeprefix("python -m ").split(maxsplit=2)[1]
    return any(each.name == "wait" for each in STEER[verb].command(verb).params)


def in_process(line: str) -> str:
    """A line of ours without a process of its own, which takes seconds to import."""
    printed = io.StringIO()
    program, main = ("reins ", reins) if is_reins(line) else (QUEUE, queue_cli.main)
    with within(DEADLINE_S), contextlib.redirect_stdout(printed):
        code = main(shlex.split(line.removeprefix(program)))
    assert code == 0, line
    return printed.getvalue()


def environment() -> Mapping[str, str]:
    """Where `python` is this one, and finds Reins from any folder."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("REINS_")}
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    return mine | {"PATH": path, "PYTHONPATH": str(ROOT)}


@contextlib.contextmanager
def within(limit_s: float) -> Iterator[None]:
    """Fail what takes longer, wherever it hangs."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"not within {limit_s:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
