"""kill -9 of workers amid plans: what is on record is not done again, and the ends are right."""

import json
import os
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import queue_imp as q
from reins.plans import to_data
from store import agent_steps
from store.agent_state import list_agent_states
from store.queue import writer as queue_writer
from store.reading import Reader
from tests.support import data_folder
from tests.support.plan_actions import TURNS
from tests.support.random_plans import Plans, undisturbed
from tests.support.waiting import until
from tests.support.worker import Workers

KILLS = int(os.environ.get("PLAN_KILLS", "6"))
"""Set the variable for a campaign; so too `PLAN_SESSIONS`, for as many random plans in all."""
SEED = int(os.environ.get("PLAN_SEED", "17"))
SESSIONS = int(os.environ.get("PLAN_SESSIONS", str(6 * KILLS)))
LIFE_S = 2.0
MODULES = '["tests.support.plan_actions", "tests.support.random_plans"]'
_OFTEN = 1 / 4
_COUNTS = {"a": TURNS, "b": TURNS, "c": TURNS, "turns": TURNS}


class People(threading.Thread):
    """They begin plans, and pause, resume and guide them, worker or not."""

    def __init__(self, data):
        super().__init__(name="people")
        self.writer, self.chance = queue_writer.writer_at(data), random.Random(SEED)
        self.plans, self.numbers = Plans(random.Random(f"plans {SEED}")), count()
        self.asked: list[str] = []
        self.counting: list[str] = []
        self.ends: dict[str, tuple[Any, dict[str, str] | None]] = {}
        """By session: the state that its plan is to leave, and what is to end, where that is known.
        """
        self.over, self.error = threading.Event(), None

    def run(self):
        try:
            while not self.over.wait(self.chance.uniform(0.02, 0.4)):
                if not self.counting or self.chance.random() < _OFTEN:
                    self.begin_counting()
                else:
                    self.steer(self.chance.choice([*self.ends][-4:]))
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            self.error = error

    def begin_counting(self):
        name = f"p{next(self.numbers)}"
        self.ends[name] = _COUNTS, None
        self.counting.append(name)
        state = {"a": 0, "b": 0, "c": 0, "turns": 0}
        config = {"name": "counting", "state": state}
        self.ask("create_agent", name, agent_type="plan", config=config)

    def begin_random(self, many):
        """So many sessions in one append."""
        actions = []
        for _ in range(many):
            plan, state = self.plans.plan()
            name = f"p{next(self.numbers)}"
            self.ends[name] = undisturbed(plan, state)
            config = {"plan": to_data(plan), "state": state}
            actions.append(action("create_agent", name, agent_type="plan", config=config))
        self.send(*actions)

    def steer(self, name):
        retried = {"type": "retry", "path": f"/0#{self.chance.randint(1, TURNS)}/0/1"}
        kind, payload = self.chance.choice([
            ("agent_pause", {}),
            ("agent_resume", {}),
            ("agent_resume", {"mode": "now"}),
            ("agent_interrupt", {"guidance": "go on", "mode": "now"}),
            ("agent_interrupt", {"guidance": retried, "mode": "steer"}),
            ("agent_interrupt", {"guidance": {"type": "retry", "path": "/0"}, "mode": "steer"}),
        ])  # fmt: skip
        self.ask(kind, name, **payload)

    def ask(self, kind, agent_id, **payload):
        self.send(action(kind, agent_id, **payload))

    def send(self, *actions):
        self.writer.append(*actions)
        self.asked += [each["action_id"] for each in actions]


def action(kind, agent_id, **payload):
    return q.create_action(kind, "ann", agent_id=agent_id, **payload)


def test_kills_in_the_middle_of_plans(tmp_path, empty_folder):
    """No task that is on record begins again; each plan ends as one that is left alone does."""
    print(f"seed {SEED}, {KILLS} kills, {SESSIONS} random plans")  # noqa: T201
    data, chance = tmp_path / "data", random.Random(SEED)
    shutil.copytree(empty_folder, data)
    log = tmp_path / "began"
    log.touch()
    settings = {"REINS_PLANS": MODULES, "PLAN_LOG": str(log)}
    people, reader = People(data), Reader(data)
    with Workers() as workers:
        people.start()
        try:
            for life in range(KILLS):
                worker = workers.start(data, tmp_path / "worker.log", **settings)
                people.begin_random(SESSIONS * (life + 1) // KILLS - SESSIONS * life // KILLS)
                time.sleep(chance.uniform(0.0, LIFE_S))
                workers.kill(worker)
        finally:
            people.over.set()
            people.join()
        if people.error is not None:
            raise people.error
        worker = workers.start(data, tmp_path / "worker.log", **settings)
        # Of mode now: who is pausing waits for the losers of a race that nobody wins meanwhile.
        people.send(*(action("agent_resume", name, mode="now") for name in people.ends))
        until(lambda: data_folder.unprocessed(data) == 0, "all are processed", 60 + SESSIONS / 10)
        until(lambda: statuses(reader) == {"completed"}, "all have ended", 90 + SESSIONS / 10)
        workers.stop(worker)
    data_folder.check(data, people.asked)
    on_record = checked(people, [*rows(reader)], log.read_text().splitlines())
    print(f"{len(people.ends)} plans, {on_record} tasks on record")  # noqa: T201
    assert on_record > KILLS


def statuses(reader):
    return {each["status"] for each in list_agent_states(store=reader)}


def rows(reader) -> Iterator[dict[str, Any]]:
    """Those of ticks and of ends, in the order of the logs."""
    columns = ["session_id", "seq", "kind", "payload", "created_at"]
    found = reader.table(agent_steps.TABLE).to_arrow().select(columns).to_pylist()
    found.sort(key=lambda row: (row["session_id"], row["seq"]))
    return (row for row in found if row["kind"] in ("tick", "final"))


def checked(people, found, log):
    """The number of tasks that have ended; each once, none begun after that, and all are right."""
    ended: dict[str, dict[str, tuple[str, float]]] = {name: {} for name in people.ends}
    for row in found:
        name, payload = row["session_id"], json.loads(row["payload"])
        if row["kind"] == "final":
            state, ends = people.ends[name]
            assert payload["result"]["payload"]["state"] == state, name
            mine = {path: how for path, (how, _) in ended[name].items()}
            assert ends is None or mine == ends, name
            continue
        for node in payload["nodes"]:
            if node["outcome"] in ("done", "failed", "replaced"):
                assert node["path"] not in ended[name], "a task has ended twice"
                at = row["created_at"].timestamp() * 1e6
                ended[name][node["path"]] = node["outcome"], at
    begun: Counter[tuple[str, str]] = Counter()
    for line in log:
        _, key, began_at = line.split()
        name, _, path = key.partition(":")
        path = path.partition(":")[2]
        begun[name, path] += 1
        end = ended[name].get(path)
        assert end is None or int(began_at) <= end[1], f"{key} ended on record, and began again"
    assert {(name, path) for name, ends in ended.items() for path in ends} <= begun.keys()
    print(f"{sum(begun.values()) - len(begun)} begun again, as nothing was on record")  # noqa: T201
    return sum(map(len, ended.values()))
