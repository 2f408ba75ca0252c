"""kill -9 in the middle of tasks: no call that may not be repeated is, and none is lost unsaid."""

import json
import os
import random
import shutil
import threading
import time
from collections import Counter

import queue_imp as q
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from store.queue import writer as queue_writer
from store.reading import Reader
from tests.support import data_folder
from tests.support.waiting import until
from tests.support.worker import Workers

KILLS = int(os.environ.get("TASK_KILLS", "20"))
"""Set the variable for a campaign."""
SEED = int(os.environ.get("TASK_SEED", "12"))
SESSIONS = ("s0", "s1", "s2")
START_S, WORK_S = 1.0, 0.4
"""A worker is killed within the one after its start, or within the other after its first row."""
SETTINGS = {
    "REINS_AGENT_MODULES": '["agents_impl", "tests.support.counting_tasks"]',
    "REINS_TOOLS": '["tests.support.task_tools"]',
}
CONFIG = {
    "goal": "count", "tools": ["counting"], "approvals": "allow_medium", "max_iterations": 1_000,
}  # fmt: skip


class People(threading.Thread):
    """They pause, resume and guide, whether a worker runs or not."""

    def __init__(self, data):
        super().__init__(name="people")
        self.writer, self.chance = queue_writer.writer_at(data), random.Random(SEED)
        self.asked, self.over, self.error = [], threading.Event(), None

    def run(self):
        try:
            while not self.over.wait(self.chance.uniform(0.05, 0.4)):
                kind, payload = self.chance.choice([
                    ("agent_pause", {}),
                    ("agent_resume", {}),
                    ("agent_resume", {}),
                    ("agent_interrupt", {"guidance": "go on", "mode": "steer"}),
                    ("agent_interrupt", {"guidance": "at once", "mode": "now"}),
                ])  # fmt: skip
                self.ask(kind, self.chance.choice(SESSIONS), **payload)
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            self.error = error

    def ask(self, kind, agent_id, **payload):
        action = q.create_action(kind, "ann", agent_id=agent_id, **payload)
        self.writer.append(action)
        self.asked.append(action["action_id"])


def live(reader, chance):
    """One life in four ends in its start."""
    if chance.random() < 1 / 4:
        time.sleep(chance.uniform(0.0, START_S))
        return
    session = chance.choice(SESSIONS)
    before = seq_of(session, reader)
    until(lambda: seq_of(session, reader) > before + 1, f"{session} works", 60)
    time.sleep(chance.uniform(0.0, WORK_S))


def seq_of(session, reader):
    """The number of the newest row of its log."""
    state = get_agent_state(session, store=reader)
    return 0 if state is None else json.loads(state["history"])["seq"]


def test_kills_between_deciding_and_doing(tmp_path, empty_folder):
    """Each line is appended at most once; each that is missing or unsure is said to be."""
    print(f"seed {SEED}, {KILLS} kills")  # noqa: T201
    data, chance = tmp_path / "data", random.Random(SEED)
    shutil.copytree(empty_folder, data)
    people, reader = People(data), Reader(data)
    for session in SESSIONS:
        people.ask("create_agent", session, agent_type="counting", config=CONFIG)
    with Workers() as workers:
        people.start()
        try:
            for _ in range(KILLS):
                worker = workers.start(data, tmp_path / "worker.log", **SETTINGS)
                live(reader, chance)
                workers.kill(worker)
        finally:
            people.over.set()
            people.join()
        if people.error is not None:
            raise people.error
        for session in SESSIONS:
            people.ask("agent_resume", session)
            people.ask("agent_destroy", session)
        worker = workers.start(data, tmp_path / "worker.log", **SETTINGS)
        until(lambda: data_folder.unprocessed(data) == 0, "all are processed", 60)
        workers.stop(worker)
    data_folder.check(data, people.asked)
    told = Counter()
    for session in SESSIONS:
        told += checked(session, tmp_path / "workspaces" / session / "lines", reader)
    assert "tick failed" not in (tmp_path / "worker.log").read_text()
    print(dict(told))  # noqa: T201
    assert told["ok"] > KILLS


def checked(session, file, reader):
    """How the calls of a session ended; what the file holds must be what its log says."""
    written = Counter(file.read_text().split("\n")[:-1]) if file.exists() else Counter()
    assert max(written.values(), default=1) == 1, "a line was appended twice"
    keys = {line.split()[1]: line.split()[0] for line in written}
    announced, ended, told = {}, {}, Counter()
    for row in list_steps(session, limit=1 << 20, store=reader):
        payload = json.loads(row["payload"] or "{}")
        call = payload.get("call") or {}
        if call.get("tool") != "append_line":
            continue
        if row["kind"] == "intent":
            announced[call["key"]] = call["arguments"]["line"]
        elif "outcome" in payload:
            assert call["key"] not in ended, "a call has two outcomes"
            ended[call["key"]] = payload["outcome"]
    for key, outcome in ended.items():
        told[outcome["kind"] or "ok" if not outcome["ok"] else "ok"] += 1
        if outcome["ok"]:
            assert keys.get(key) == announced[key], "a call is said to be done, and is not"
    assert keys.keys() <= announced.keys(), "a call was made and not announced"
    unsaid = announced.keys() - ended.keys()
    assert len(unsaid) <= 1, "a call was announced, and nothing says what became of it"
    told["pending at the end"] += len(unsaid)
    return told
