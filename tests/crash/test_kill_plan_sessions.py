"""kill -9 of workers amid plans: what is on record is not done again, and the ends are right."""

import json
import os
import random
import shutil
import threading
import time
from collections import Counter

import queue_imp as q
from store.agent_state import list_agent_states
from store.agent_steps import list_steps
from store.queue import writer as queue_writer
from store.reading import Reader
from tests.support import data_folder
from tests.support.plan_actions import TURNS
from tests.support.waiting import until
from tests.support.worker import Workers

KILLS = int(os.environ.get("PLAN_KILLS", "6"))
"""Set the variable for a campaign."""
SEED = int(os.environ.get("PLAN_SEED", "17"))
LIFE_S = 2.0
_OFTEN = 1 / 4


class People(threading.Thread):
    """They begin plans, and pause, resume and guide them, worker or not."""

    def __init__(self, data):
        super().__init__(name="people")
        self.writer, self.chance = queue_writer.writer_at(data), random.Random(SEED)
        self.asked, self.begun = [], []
        self.over, self.error = threading.Event(), None

    def run(self):
        try:
            while not self.over.wait(self.chance.uniform(0.02, 0.4)):
                if not self.begun or self.chance.random() < _OFTEN:
                    self.begin()
                else:
                    self.steer(self.chance.choice(self.begun[-4:]))
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            self.error = error

    def begin(self):
        name = f"p{len(self.begun)}"
        self.begun.append(name)
        state = {"a": 0, "b": 0, "c": 0, "turns": 0}
        config = {"name": "counting", "state": state}
        self.ask("create_agent", name, agent_type="plan", config=config)

    def steer(self, name):
        retried = {"type": "retry", "path": f"/0#{self.chance.randint(1, TURNS)}/0/1"}
        kind, payload = self.chance.choice([
            ("agent_pause", {}),
            ("agent_resume", {}),
            ("agent_resume", {"mode": "now"}),
            ("agent_interrupt", {"guidance": "go on", "mode": "now"}),
            ("agent_interrupt", {"guidance": retried, "mode": "steer"}),
        ])  # fmt: skip
        self.ask(kind, name, **payload)

    def ask(self, kind, agent_id, **payload):
        action = q.create_action(kind, "ann", agent_id=agent_id, **payload)
        self.writer.append(action)
        self.asked.append(action["action_id"])


def ended(reader, session_id):
    """The paths of tasks that ended well, as rows tell them."""
    rows = [row for row in list_steps(session_id, store=reader) if row["kind"] == "tick"]
    return [
        node["path"]
        for row in rows
        for node in json.loads(row["payload"])["nodes"]
        if node["outcome"] in ("done", "failed")
    ]


def test_kills_in_the_middle_of_plans(tmp_path, empty_folder):
    """No task that is on record begins again; each plan ends with the counts of one undisturbed."""
    print(f"seed {SEED}, {KILLS} kills")  # noqa: T201
    data, chance = tmp_path / "data", random.Random(SEED)
    shutil.copytree(empty_folder, data)
    log = tmp_path / "began"
    log.touch()
    settings = {"REINS_PLANS": '["tests.support.plan_actions"]', "PLAN_LOG": str(log)}
    people, reader = People(data), Reader(data)
    over: Counter[str] = Counter()
    read = 0
    with Workers() as workers:
        people.start()
        try:
            for _ in range(KILLS):
                worker = workers.start(data, tmp_path / "worker.log", **settings)
                time.sleep(chance.uniform(0.0, LIFE_S))
                workers.kill(worker)
                lines = log.read_text().splitlines()
                began = [line.split()[1] for line in lines[read:]]
                again = [key for key in began if _session_and_path(key) in over]
                assert not again, "it had ended on record, and was done again"
                read = len(lines)
                for name in people.begun:
                    found = [(name, path) for path in ended(reader, name)]
                    assert len(found) == len(set(found)), "a task has ended twice"
                    over.update(found)
        finally:
            people.over.set()
            people.join()
        if people.error is not None:
            raise people.error
        worker = workers.start(data, tmp_path / "worker.log", **settings)
        until(lambda: data_folder.unprocessed(data) == 0, "all are processed", 60)
        for name in people.begun:
            people.ask("agent_resume", name)
        until(lambda: {each["status"] for each in list_agent_states(store=reader)} == {"completed"},
              "all have ended", 90)  # fmt: skip
        workers.stop(worker)
    data_folder.check(data, people.asked)
    right = {"a": TURNS, "b": TURNS, "c": TURNS, "turns": TURNS}
    for name in people.begun:
        final = json.loads(list_steps(name, store=reader)[-1]["payload"])["result"]
        merged = final["payload"]["state"]
        assert merged == right, name
    print(f"{len(people.begun)} plans, {len(over)} tasks on record")  # noqa: T201
    assert len(over) > KILLS


def _session_and_path(key):
    name, _, path = key.partition(":")
    return name, path.partition(":")[2]
