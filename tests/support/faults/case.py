"""One thing goes wrong, then the folder is opened anew: is all that was promised there, once?"""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, Self

from store import agent_steps, messages
from store.lance import manifest
from store.queue import reading as queue_reading
from store.reading import Reader
from tests.support import data_folder
from tests.support.faults.client import digest
from tests.support.faults.control import Fault, Faults
from tests.support.faults.device import Device
from tests.support.faults.power import Recording
from tests.support.program import ROOT, Program
from tests.support.waiting import until
from tests.support.worker import TYPES

EXIT_UNUSABLE = 2
START_S, END_S = 30.0, 30.0
ACTIONS = 8
_WITHOUT_A_ROW = ("conversation_create", "environment_reload")


@dataclass(frozen=True, slots=True)
class Case:
    """`kind` "errno" takes a fault, and "kill" one or none: then it comes at a random time.

    "power" is a loss made from a record, after a fault or none; "device" is one of a real file
    system, where root may mount.
    `who` is under the fault: the worker from its start, the worker once it has `started`, or the
    client, whose helpers write to the queue.
    """

    kind: Literal["errno", "kill", "power", "device"]
    seed: int
    who: Literal["start", "running", "client"] = "start"
    fault: Fault | None = None

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        values = json.loads(text)
        fault = values.pop("fault")
        return cls(**values, fault=None if fault is None else Fault(**fault))


@dataclass(slots=True)
class Promises:
    """All that a client was promised."""

    acknowledged: set[str] = field(default_factory=set)
    shown: dict[tuple[str, int], str] = field(default_factory=dict)

    def take(self, lines: Iterable[str]) -> Self:
        for line in lines:
            match json.loads(line):
                case {"acknowledged": action_id}:
                    self.acknowledged.add(action_id)
                case {"shown": [session, seq, content]}:
                    self.shown[session, seq] = content
        return self


@dataclass(slots=True)
class Result:
    """The outcome of a case; `reached` says whether the fault came to happen at all."""

    case: Case
    reached: bool = True
    acknowledged: int = 0
    shown: int = 0
    refused: bool = False  # the worker's start, with exit code 2
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    took_s: float = 0.0

    @property
    def well(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)


class Bench:
    """Runs cases in a folder of its own, all from copies of one data folder with a past."""

    def __init__(self, at: Path, *, patience_s: float = 0.5) -> None:
        """`patience_s`: how long a case waits for its fault after its client is done."""
        self._at, self._number, self._patience_s = at, 0, patience_s
        self._base = at / "base"
        self._past = Promises()
        self._programs: list[Program] = []

    def prepare(self, seed: int = 1) -> None:
        """A worker worked and was killed: tables, a journal and actions are left to take up, and a
        compaction is due."""
        worker = self._worker(self._base, "base")
        self._started(worker, "base")
        lines = self._client(self._base, seed, 12, 0.6)
        _kill(worker)
        _age(self._base)
        self._past.take([*lines, *self._client(self._base, seed + 1, 4, 0.1)])

    def run(self, case: Case) -> Result:
        """The case from its beginning to its audit; its folder is kept if that failed."""
        began = time.monotonic()
        self._number += 1
        here = self._at / f"case-{self._number}"
        here.mkdir()
        result = Result(case)
        try:
            with Faults(here) as faults, contextlib.ExitStack() as stack:
                self._do(case, here, faults, stack, result)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            result.wrong.append(f"{type(error).__name__}: {error}")
        result.took_s = round(time.monotonic() - began, 2)
        if result.well:
            shutil.rmtree(here)
        return result

    def _do(
        self,
        case: Case,
        here: Path,
        faults: Faults,
        stack: contextlib.ExitStack,
        result: Result,
    ) -> None:
        device = stack.enter_context(Device(here)) if case.kind == "device" else None
        stack.callback(self._end_programs)  # before a device goes
        if device is not None:
            data, promises = self._cut_power(case, device, here)
        elif case.kind == "power":
            data, promises = self._lose_power(case, here, faults, result)
        else:
            data, promises = self._go_wrong(case, here, faults, result)
        result.acknowledged, result.shown = len(promises.acknowledged), len(promises.shown)
        self._open_anew(data, here, promises, result)

    def _end_programs(self) -> None:
        for program in self._programs:
            _kill(program)
        self._programs.clear()

    def opened_anew(self) -> Path:
        """A copy of the folder with a past, after a worker has worked on it and stopped."""
        here = self._at / "opened"
        here.mkdir()
        shutil.copytree(self._base, here / "data")
        self._open_anew(here / "data", here, self._promised(), Result(Case("kill", 0)))
        return here / "data"

    def call_sites(self, who: str) -> Counter[tuple[str, str]]:
        """Every kind of call on every kind of file of a run without faults, and how often.

        Of the worker "running": from the end of its start to the end of its stop.
        """
        here = self._at / f"sites-{who}"
        here.mkdir()
        with Faults(here) as faults:
            case = Case("errno", 1, who, fault=Fault("mkdir", path="/nowhere"))
            self._go_wrong(case, here, faults, Result(case), traced=True)
            found: Counter[tuple[str, str]] = Counter()
            for (call, path), times in faults.traced().items():
                found[call, pattern(path)] += times
        shutil.rmtree(here)
        return found

    def _go_wrong(
        self, case: Case, here: Path, faults: Faults, result: Result, *, traced: bool = False
    ) -> tuple[Path, Promises]:
        data, chance = here / "data", random.Random(case.seed)
        shutil.copytree(self._base, data)
        under = {} if case.who == "client" else faults.environment
        worker: Program | None = None
        if case.who != "start":
            worker = self._worker(data, str(here / "worker"), **under)
            self._started(worker, str(here / "worker"))
        if traced:
            faults.trace(data)
        if case.fault is not None:
            faults.on(case.fault)
        worker = worker or self._worker(data, str(here / "worker"), **under)
        if case.fault is None:
            time.sleep(chance.uniform(0, 0.7))
        with_faults = faults.environment if case.who == "client" else {}
        lines = self._client(data, case.seed, ACTIONS, 0.3, **with_faults)
        if case.fault is not None:
            self._wait_for(lambda: faults.failed() or worker.poll() is not None, self._patience_s)
        if case.kind == "errno" and case.who == "start":
            log = self._at / f"{here / 'worker'}.err"
            self._wait_for(
                lambda: "worker started" in log.read_text() or worker.poll() is not None, START_S
            )
        # One that did not come yet may come at the stop.
        stops = not faults.failed() or random.Random(case.as_json()).random() < 0.5
        if case.kind == "errno" and stops and worker.poll() is None:
            worker.send_signal(signal.SIGTERM)
            try:
                worker.wait(START_S)
            except subprocess.TimeoutExpired:
                result.wrong.append("the worker did not stop on SIGTERM")
        _kill(worker)
        result.refused = worker.returncode == EXIT_UNUSABLE
        if case.kind == "errno" and worker.returncode not in (0, 2, 3, -9):
            result.wrong.append(f"the worker ended with code {worker.returncode}")
        result.reached = case.fault is None or faults.failed() > 0
        faults.off()
        return data, self._promised().take(lines)

    def _lose_power(
        self, case: Case, here: Path, faults: Faults, result: Result
    ) -> tuple[Path, Promises]:
        data, chance = here / "data", random.Random(case.seed)
        shutil.copytree(self._base, data)
        with Recording(faults, data, here / "before") as recording:
            if case.fault is not None:
                faults.on(case.fault)
            worker = self._worker(data, str(here / "worker"), **faults.environment)
            self._client(data, case.seed, ACTIONS, 0.5, **faults.environment)
            history = recording.history()
            _kill(worker)
        at = chance.randrange(history.moments + 1)
        how = history.lose(here / "lost", at=at, seed=case.seed)
        (here / "how").write_text(how)
        _boot(here / "lost")
        result.reached = at > 0
        return here / "lost", self._promised().take(t for when, t in history.notes if when < at)

    def _cut_power(self, case: Case, device: Device, here: Path) -> tuple[Path, Promises]:
        data, chance = device.path / "data", random.Random(case.seed)
        shutil.copytree(self._base, data)
        os.sync()
        cut = threading.Timer(chance.uniform(0.1, 1.5), device.cut)
        worker = self._worker(data, str(here / "worker"))
        cut.start()
        lines = self._client(data, case.seed, ACTIONS, 1.0)
        cut.join()
        _kill(worker)
        device.back()
        _boot(data)
        return data, self._promised().take(lines)

    def _wait_for(self, condition: Callable[[], object], at_most_s: float) -> None:
        with contextlib.suppress(AssertionError):
            until(condition, deadline_s=at_most_s)

    def _promised(self) -> Promises:
        return Promises(set(self._past.acknowledged), dict(self._past.shown))

    def _open_anew(self, data: Path, here: Path, promises: Promises, result: Result) -> None:
        log = str(here / "after")
        worker = self._worker(data, log)
        try:
            self._started(worker, log)
            until(lambda: data_folder.unprocessed(data) == 0, "all are processed", END_S)
            worker.send_signal(signal.SIGTERM)
            if (code := worker.wait(END_S)) != 0:
                result.wrong.append(f"the next worker ended with code {code}")
            audit(data, promises, result)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            worker.tell()  # where it stands, if it has not ended
            said = Path(f"{log}.err").read_text()[-4_000:]
            result.wrong.append(f"{type(error).__name__}: {error}; {said}")
        finally:
            _kill(worker)

    def _worker(self, data: Path, log: str, **more: str) -> Program:
        with (self._at / f"{log}.err").open("wb") as err:
            worker = Program(
                ["-m", "agents"], cwd=ROOT, env=_environment(data) | more,
                stdout=subprocess.DEVNULL, stderr=err,
            )  # fmt: skip
        self._programs.append(worker)
        return worker

    def _started(self, worker: Program, log: str) -> None:
        said = self._at / f"{log}.err"
        until(
            lambda: '"worker started"' in said.read_text() or worker.poll() is not None,
            "the worker started", START_S,
        )  # fmt: skip
        assert worker.poll() is None, f"the worker ended with code {worker.returncode}"

    def _client(self, data: Path, seed: int, actions: int, for_s: float, **more: str) -> list[str]:
        out = self._at / "client.out"
        with out.open("wb") as to, (self._at / "client.err").open("ab") as err:
            client = Program(
                ["-m", "tests.support.faults.client", seed, actions, for_s], cwd=ROOT,
                env=_environment(data) | more, stdout=to, stderr=err,
            )  # fmt: skip
        self._programs.append(client)
        client.wait(END_S)
        # A client that was killed may leave half a line.
        return [line for line in out.read_text().splitlines() if line.endswith("}")]


def audit(data: Path, promises: Promises, result: Result) -> None:
    """Compare all that the folder holds, once its worker has stopped, with what was promised."""
    reader = Reader(data)
    steps, posted = (
        reader.table(module.TABLE).to_arrow().to_pylist() for module in (agent_steps, messages)
    )
    actions = queue_reading.everything(reader)
    contents = {(row["session_id"], row["seq"]): digest(row) for row in steps}
    applied = Counter(a for row in steps for a in json.loads(row["applied_actions"]))
    applied.update(row["message_id"] for row in posted)
    queued = {row["action_id"]: row for row in actions}
    for action_id in promises.acknowledged:
        row = queued.get(action_id)
        if row is None or not row["processed"]:
            result.lost.append(f"action {action_id}")
        elif (
            row["outcome"] == "applied"
            and row["type"] not in _WITHOUT_A_ROW
            and not applied[action_id]
        ):
            result.lost.append(f"effect of {action_id} ({row['type']})")
    result.doubled += [f"action {each} ({n} times)" for each, n in applied.items() if n > 1]
    for (session, seq), content in promises.shown.items():
        if (found := contents.get((session, seq))) is None:
            result.lost.append(f"row {seq} of {session}")
        elif found != content:
            result.wrong.append(f"row {seq} of {session} is not what was shown")
    if result.well:
        data_folder.check(data, sorted(promises.acknowledged))


def pattern(path: str) -> str:
    """A path as a pattern for all files of its kind."""
    tail = path.partition("/data")[2].rstrip("/")
    for what in (r"(?<=\.tmp)\w+", r"\w{20,}|[0-9a-f]{8}-[0-9a-f-]{27}", r"[\d*][\d*-]*"):
        tail = re.sub(what, "*", tail)
    return f"*/data{tail}"


def _environment(data: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("REINS_")},
        "REINS_DATA": str(data),
        "REINS_AGENT_MODULES": TYPES,
        "REINS_HEARTBEAT_S": "0.02",
        "REINS_FLUSH_S": "0.1",
        "REINS_STOP_GRACE_S": "1",
    }


def _age(data: Path) -> None:
    """Let the log have so many versions that it is compacted soon; no more of them to list."""
    table = Reader(data).table(agent_steps.TABLE)
    path, aged = data / f"{agent_steps.TABLE.name}.lance", set[int]()
    for _ in range(agent_steps.TABLE.compact_commits):
        before = table.version
        table.restore(before)
        if before in aged:
            manifest.path_of(path, before).unlink()
        aged.add(table.version)


def _boot(data: Path) -> None:
    """The machine starts again: who owned the folder did so before."""
    note = data / "owner.json"
    with contextlib.suppress(FileNotFoundError, ValueError):
        note.write_text(json.dumps(json.loads(note.read_text()) | {"boot": "the one before"}))


def _kill(worker: Program) -> None:
    worker.kill()
    worker.wait(END_S)
