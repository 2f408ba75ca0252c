"""kill -9 of workers whose sessions remember and believe: each row once, and none is lost."""

import json
import os
import random
import shutil
import threading
import time
from collections import Counter
from itertools import count

from store.agent_state import list_agent_states
from store.agent_steps import list_steps
from store.evidence import list_evidence
from store.queue import writer as queue_writer
from store.reading import Reader
from tests.crash.test_kill_plan_sessions import action
from tests.support import data_folder
from tests.support.minding_actions import EVIDENCE, TURNS, VERSIONS
from tests.support.minds import folded
from tests.support.waiting import until
from tests.support.worker import Workers

KILLS = int(os.environ.get("MIND_KILLS", "5"))
"""Set the variable for a campaign."""
SEED = int(os.environ.get("MIND_SEED", "5"))
LIFE_S = 1.5
_OFTEN = 1 / 4


class People(threading.Thread):
    """They begin plans, have a word in what these believe, take it back, and pause and resume."""

    def __init__(self, data):
        super().__init__(name="people")
        self.writer, self.reader = queue_writer.writer_at(data), Reader(data)
        self.chance, self.numbers = random.Random(SEED), count()
        self.names: list[str] = []
        self.said: dict[str, str] = {}
        self.asked: list[str] = []
        self.over, self.error = threading.Event(), None

    def run(self):
        try:
            while not self.over.wait(self.chance.uniform(0.02, 0.3)):
                if not self.names or self.chance.random() < _OFTEN:
                    self.begin()
                else:
                    self.steer(self.chance.choice(self.names[-3:]))
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            self.error = error

    def begin(self):
        name = f"m{next(self.numbers)}"
        self.names.append(name)
        config = {"name": "minding", "state": {"turns": 0}}
        self.ask("create_agent", name, agent_type="plan", config=config)

    def steer(self, name):
        turn = self.chance.randint(1, TURNS)
        word = {"type": self.chance.choice(["believe", "doubt"]), "claim": "alive"}
        kind, payload = self.chance.choice([
            ("agent_pause", {}),
            ("agent_resume", {}),
            ("agent_interrupt", {"guidance": word}),
            ("agent_interrupt", {"guidance": word, "mode": "now"}),
            ("agent_interrupt", {"guidance": {"type": "retry", "path": f"/0#{turn}/0/0"}}),
            ("agent_interrupt", {"guidance": self.undo(name)}),
        ])  # fmt: skip
        asked = self.ask(kind, name, **payload)
        if payload.get("guidance") == word:
            self.said[asked] = name

    def undo(self, name):
        """Takes back any piece of evidence that is on record by now."""
        rows = list_evidence(name, store=self.reader) or [{"evidence_id": "none yet"}]
        return {"type": "undo_evidence", "ids": [self.chance.choice(rows)["evidence_id"]]}

    def ask(self, kind, name, **payload):
        made = action(kind, name, **payload)
        self.writer.append(made)
        self.asked.append(made["action_id"])
        return made["action_id"]


def test_kills_of_minds(tmp_path, empty_folder):
    """All that tasks and people have said is there once, as the snapshots have it folded."""
    print(f"seed {SEED}, {KILLS} kills")  # noqa: T201
    data, chance = tmp_path / "data", random.Random(SEED)
    shutil.copytree(empty_folder, data)
    settings = {"REINS_PLANS": '["tests.support.minding_actions"]'}
    people = People(data)
    with Workers() as workers:
        people.start()
        try:
            for _ in range(KILLS):
                worker = workers.start(data, tmp_path / "worker.log", **settings)
                time.sleep(chance.uniform(0.1, LIFE_S))
                workers.kill(worker)
        finally:
            people.over.set()
            people.join()
        if people.error is not None:
            raise people.error
        worker = workers.start(data, tmp_path / "worker.log", **settings)
        for name in people.names:
            people.ask("agent_resume", name, mode="now")
        until(lambda: data_folder.unprocessed(data) == 0, "all are processed", 60)
        until(lambda: statuses(people.reader) == {"completed"}, "all have ended", 90)
        workers.stop(worker)
    data_folder.check(data, people.asked)
    undone = sum(checked(people, name) for name in people.names)
    print(f"{len(people.names)} minds, {len(people.said)} words, {undone} undone")  # noqa: T201


def statuses(reader):
    return {each["status"] for each in list_agent_states(store=reader)}


def checked(people, name):
    """The number of undos; the rows are those of all tasks that ended, and of words applied."""
    evidence, memories = folded(name, people.reader)
    by_source = Counter(row["source"] for row in evidence if row["kind"] == "evidence")
    assert by_source["watch"] + by_source["unsure"] == EVIDENCE, name
    assert "attempt 1" not in {row["claim"] for row in evidence}, name
    assert len(memories) == VERSIONS, name
    kept = [json.loads(row["value"]) for row in memories if row["key"] == "turns"]
    assert kept == list(range(TURNS)), name
    applied = {
        each
        for row in list_steps(name, limit=1 << 31, store=people.reader)
        for each in json.loads(row["applied_actions"])
    }
    said = {each for each, of in people.said.items() if of == name}
    words = Counter(row["message_id"] for row in evidence if row["source"] == "ann")
    assert words == dict.fromkeys(said & applied, 1), name
    return sum(row["kind"] == "undo" for row in evidence)
