"""kill -9 around decisions: what was asked, decided and done is whole, and nothing is twice."""

import json
import os
import random
import shutil
import threading
import time

import queue_imp as q
from agent_core.actions.deciding import decision_about
from store import inbox
from store.agent_state import get_agent_state
from store.queue import writer as queue_writer
from store.reading import Reader
from tests.support import data_folder
from tests.support.waiting import until
from tests.support.worker import Workers

KILLS = int(os.environ.get("DECISION_KILLS", "5"))
"""Set the variable for a campaign."""
SEED = 11
START_S, LIFE_S = 1.0, 0.4
SESSIONS = [f"a{number}" for number in range(6)]
CALLS = 100_000


class Deciders(threading.Thread):
    """Two people decide about all that is open, often about the same, worker or not."""

    def __init__(self, data):
        super().__init__(name="deciders")
        self.writer, self.chance = queue_writer.writer_at(data), random.Random(SEED)
        self.reader = Reader(data)
        self.decided, self.over, self.error = [], threading.Event(), None

    def run(self):
        try:
            while not self.over.wait(self.chance.uniform(0.0, 0.2)):
                self.decide()
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            self.error = error

    def decide(self):
        for item in inbox.list_items(("asked",), store=self.reader):
            for actor in ("ann", "bob"):
                if self.chance.random() < 0.6:
                    self.send(item, actor)

    def send(self, item, actor):
        decision = self.chance.choice(["approve", "approve", "reject", "edit"])
        args = {"text": f"by {actor}"} if decision == "edit" else None
        action = decision_about(item, actor, decision, args=args)
        self.writer.append(action)
        self.decided.append(action["action_id"])


def set_up(writer):
    asked = [
        q.create_action(
            "create_agent", "ann", agent_id=name, agent_type="asking",
            config={"times": CALLS, "expires_in_s": 5.0 if name == "a0" else None},
        )
        for name in SESSIONS
    ]  # fmt: skip
    for action in asked:
        writer.append(action)
    return [action["action_id"] for action in asked]


def live(reader, chance):
    """One life in four ends in its start, the others among decisions."""
    if chance.random() < 1 / 4:
        time.sleep(chance.uniform(0.0, START_S))
        return
    before = len(ran(reader))
    until(lambda: len(ran(reader)) > before, "a call is made")
    time.sleep(chance.uniform(0.0, LIFE_S))


def ran(reader):
    return inbox.list_items(("ran",), store=reader)


def test_kills_around_decisions(tmp_path, empty_folder):
    """Whenever the worker dies: each decision has one effect or a reason for none, each allowed
    call is made once, and each item is what its session's log says.
    """
    print(f"seed {SEED}, {KILLS} kills")  # noqa: T201
    data, chance = tmp_path / "data", random.Random(SEED)
    shutil.copytree(empty_folder, data)
    deciders = Deciders(data)
    asked = set_up(deciders.writer)
    reader = Reader(data)
    with Workers() as workers:
        deciders.start()
        try:
            for _ in range(KILLS):
                worker = workers.start(data, tmp_path / "worker.log")
                live(reader, chance)
                workers.kill(worker)
        finally:
            deciders.over.set()
            deciders.join()
        if deciders.error is not None:
            raise deciders.error
        worker = workers.start(data, tmp_path / "worker.log")
        until(lambda: data_folder.unprocessed(data) == 0, "all are processed", 60)
        until(lambda: len(inbox.list_items(("asked",), store=reader)) == len(SESSIONS), "all wait")
        workers.stop(worker)
    data_folder.check(data, [*asked, *deciders.decided])
    items = inbox.list_items(store=reader)
    for name in SESSIONS:
        own = [item for item in items if item["session_id"] == name]
        state = json.loads(get_agent_state(name, store=reader)["context"])
        allowed = [item for item in own if item["decision"] in ("approve", "edit")]
        assert [item["state"] for item in allowed] == ["ran"] * len(allowed)
        assert len(state["done"]) == len(allowed)
        assert sum(item["state"] == "asked" for item in own) == 1
        assert len(state["heard"]) == len(own) - 1
    log = (tmp_path / "worker.log").read_text()
    assert "tick failed" not in log
    assert "action failed" not in log
    assert len(ran(reader)) > KILLS
