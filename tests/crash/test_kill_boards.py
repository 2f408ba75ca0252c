"""kill -9 amid changes of a board: no update is lost, and each is announced once."""

import json
import os
import random
import shutil
import threading
import time

import queue_imp as q
from store import kv
from store.agent_state import get_agent_state
from store.queue import reading as queue_reading
from store.queue import writer as queue_writer
from store.reading import Reader
from store.topics import list_topic_messages, message_of
from tests.support import data_folder
from tests.support.waiting import until
from tests.support.worker import Workers

KILLS = int(os.environ.get("BOARD_KILLS", "3"))
"""Set the variable for a campaign."""
SEED = int(os.environ.get("BOARD_SEED", "60"))
START_S = 0.8
AGENTS = 6
SETTINGS = {"REINS_AGENT_MODULES": '["agents_impl", "tests.support.board_agents"]'}


class People(threading.Thread):
    """They add to the same counter by compare-and-set, and write to keys of their own."""

    def __init__(self, data):
        super().__init__(name="people")
        self.writer, self.reader = queue_writer.writer_at(data), Reader(data)
        self.chance = random.Random(SEED)
        self.asked, self.over, self.error = [], threading.Event(), None

    def run(self):
        try:
            while not self.over.wait(self.chance.uniform(0.0, 0.03)):
                self.add()
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            self.error = error

    def add(self):
        row = kv.get_value("sums", "sum", store=self.reader)
        value, version = (0, 0) if row is None else (row["value"], row["version"])
        self.ask(key="sum", value=value + 1, expect=version)
        self.ask(key=f"own {len(self.asked) % 7}", value=len(self.asked))

    def ask(self, **parts):
        action = q.create_action("board_put", "ann", board="sums", **parts)
        self.writer.append(action)
        self.asked.append(action["action_id"])


def state_of(reader, name):
    row = get_agent_state(name, store=reader)
    return {} if row is None else json.loads(row["context"])


def test_kills_amid_changes_of_a_board(tmp_path, empty_folder):
    """Agents and people count together; the sum is that of what each was told."""
    print(f"seed {SEED}, {KILLS} kills")  # noqa: T201
    data, chance = tmp_path / "data", random.Random(SEED)
    shutil.copytree(empty_folder, data)
    people, reader = People(data), Reader(data)
    config = {"most": 1_000_000, "heartbeat_s": 0.005, "slow_s": 0.002, "twice": True}
    names = [f"a{number}" for number in range(AGENTS)]
    asked = [
        q.create_action(
            "create_agent", "ann", agent_id=name, agent_type="adder",
            config={**config, "how": "merge" if number % 3 == 2 else "again"},
        )
        for number, name in enumerate(names)
    ]  # fmt: skip
    for action in asked:
        people.writer.append(action)
    with Workers() as workers:
        people.start()
        try:
            for _ in range(KILLS):
                worker = workers.start(data, tmp_path / "worker.log", **SETTINGS)
                before = kv.get_value("sums", "sum", store=reader)
                until(
                    lambda before=before: kv.get_value("sums", "sum", store=reader) != before,
                    "the sum grows",
                )
                time.sleep(chance.uniform(0.0, START_S))
                workers.kill(worker)
        finally:
            people.over.set()
            people.join()
        if people.error is not None:
            raise people.error
        worker = workers.start(data, tmp_path / "worker.log", **SETTINGS)
        until(lambda: data_folder.unprocessed(data) == 0, "all are processed", 180)
        workers.stop(worker)
    data_folder.verified(data)
    receipts = queue_reading.get_actions(reader, people.asked)
    applied = [row for row in receipts if row["outcome"] == "applied"]
    by_people = sum(json.loads(row["payload"])["key"] == "sum" for row in applied)
    by_agents = sum(state_of(reader, name)["added"] for name in names)
    told = list_topic_messages("board.sums", 0, 1_000_000, store=reader)
    counted = [message_of(row)["value"] for row in told if message_of(row)["key"] == "sum"]
    assert counted == list(range(1, by_agents + by_people + 1))
    assert kv.get_value("sums", "sum", store=reader)["value"] == by_agents + by_people
    own = [row for row in applied if json.loads(row["payload"])["key"] != "sum"]
    assert len(own) == sum(message_of(row)["key"].startswith("own") for row in told)
    assert sorted(row["message_id"] for row in told if row["session_id"] is None) == sorted(
        row["action_id"] for row in applied
    )
    print(f"{by_agents} by agents, {by_people} by people, {len(told)} changes")  # noqa: T201
