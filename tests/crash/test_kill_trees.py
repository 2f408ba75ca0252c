"""kill -9 in the middle of trees: no child is made twice, none without its parent's knowledge."""

import os
import random
import shutil
import threading
import time

import queue_imp as q
from store.queue import writer as queue_writer
from store.reading import Reader
from tests.support import data_folder
from tests.support.trees import SETTINGS, check_kinship, unsettled
from tests.support.waiting import until
from tests.support.worker import Workers

KILLS = int(os.environ.get("TREE_KILLS", "8"))
"""Set the variable for a campaign."""
SEED = int(os.environ.get("TREE_SEED", "16"))
WIDTH = 4
LIFE_S = 2.0
_GOALS = ("done: all of it", "done: all of it", "failed: as ever", "crash: at once")


class People(threading.Thread):
    """They begin trees, and pause, resume, guide and destroy in them, worker or not."""

    def __init__(self, data):
        super().__init__(name="people")
        self.writer, self.chance = queue_writer.writer_at(data), random.Random(SEED)
        self.asked, self.roots = [], []
        self.over, self.error = threading.Event(), None

    def run(self):
        try:
            while not self.over.wait(self.chance.uniform(0.02, 0.3)):
                if not self.roots or self.chance.random() < 1 / 3:
                    self.begin()
                else:
                    self.steer(self.chance.choice(self.roots[-3:]))
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            self.error = error

    def begin(self):
        root = f"r{len(self.roots)}"
        worker = {"agent_type": "leaf", "config": {"ticks": self.chance.randint(1, 4)}}
        config = {
            "goal": self.chance.choice(_GOALS), "heartbeat_s": 0.05, "max_children": WIDTH - 1,
            "workers": {f"w{n}": worker for n in range(WIDTH)},
        }  # fmt: skip
        self.roots.append(root)
        self.ask("create_agent", root, agent_type="orchestrator", config=config)

    def steer(self, root):
        at = self.chance.choice([root, root, f"{root}.t{self.chance.randint(1, WIDTH)}.1"])
        kind, payload = self.chance.choice([
            ("agent_pause", {}),
            ("agent_resume", {}),
            ("agent_resume", {}),
            ("agent_destroy", {}),
            ("agent_interrupt", {"guidance": "go on", "mode": "steer"}),
            ("agent_interrupt", {"guidance": {"type": "plan", "drop": ["t4"]}, "mode": "now"}),
        ])  # fmt: skip
        self.ask(kind, at, **payload)

    def ask(self, kind, agent_id, **payload):
        action = q.create_action(kind, "ann", agent_id=agent_id, **payload)
        self.writer.append(action)
        self.asked.append(action["action_id"])


def test_kills_in_the_middle_of_trees(tmp_path, empty_folder):
    """After each kill every child has its parent's knowledge, and every parent its children."""
    print(f"seed {SEED}, {KILLS} kills")  # noqa: T201
    data, chance = tmp_path / "data", random.Random(SEED)
    shutil.copytree(empty_folder, data)
    people, reader, looked_at = People(data), Reader(data), set()
    with Workers() as workers:
        people.start()
        try:
            for _ in range(KILLS):
                worker = workers.start(data, tmp_path / "worker.log", **SETTINGS)
                time.sleep(chance.uniform(0.0, LIFE_S))
                workers.kill(worker)
                check_kinship(reader, looked_at)
        finally:
            people.over.set()
            people.join()
        if people.error is not None:
            raise people.error
        worker = workers.start(data, tmp_path / "worker.log", **SETTINGS)
        until(lambda: data_folder.unprocessed(data) == 0, "all are processed", 60)
        try:
            until(lambda: not unsettled(reader), "all are settled", 60)
        except AssertionError as error:
            raise AssertionError(unsettled(reader)) from error
        workers.stop(worker)
    data_folder.check(data, people.asked)
    children = check_kinship(reader)
    print(f"{len(people.roots)} trees, {children} children")  # noqa: T201
    assert children >= KILLS
