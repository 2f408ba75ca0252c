"""kill -9 amid the work of a group: each message is done once, by one of its members."""

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
from store.dead_letters import list_dead_letters
from store.group_reads import done_of, list_group_reads
from store.queue import writer as queue_writer
from store.reading import Reader
from store.topics import list_topic_messages, message_of, newest_numbers
from tests.support import data_folder
from tests.support.waiting import until
from tests.support.worker import Workers

KILLS = int(os.environ.get("GROUP_KILLS", "6"))
"""Set the variable for a campaign."""
SEED = int(os.environ.get("GROUP_SEED", "59"))
START_S = 1.2
MEMBERS = ("one", "two", "three", "four")
POISON = 40  # one message of so many
SETTINGS = {
    "REINS_AGENT_MODULES": '["agents_impl", "tests.support.topic_agents"]',
    "REINS_RETRY_WAIT_S": "0.05",
}


class Publisher(threading.Thread):
    """Publishes jobs, whether a worker runs or not."""

    def __init__(self, data):
        super().__init__(name="publisher")
        self.writer, self.chance = queue_writer.writer_at(data), random.Random(SEED)
        self.published, self.over, self.error = {}, threading.Event(), None

    def run(self):
        try:
            while not self.over.wait(self.chance.uniform(0.0, 0.02)):
                poison = not self.chance.randrange(POISON)
                message = "poison" if poison else {"add": len(self.published) + 1}
                action = q.create_action("publish", "ann", topic="jobs", message=message)
                self.writer.append(action)
                self.published[action["action_id"]] = message
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            self.error = error


def set_up(writer):
    config = {
        "on": ["topic:jobs"], "since": "all", "group": "workers", "to": "out", "attempts": 2,
        "batch": 5, "lease_s": 5,
    }  # fmt: skip
    asked = [
        q.create_action(
            "create_agent", "ann", agent_id=name, agent_type="counter", config=config
        )
        for name in MEMBERS
    ]  # fmt: skip
    for action in asked:
        writer.append(action)
    return [action["action_id"] for action in asked]


def done(reader):
    """The numbers of all messages that are done, as the rows of the members say it."""
    rows = list_group_reads("workers", store=reader)
    floor = max((row["floor"] for row in rows), default=0)
    return {*range(1, floor + 1)}.union(*(done_of(row) for row in rows))


def test_kills_amid_the_work_of_a_group(tmp_path, empty_folder):
    """Its effect is there once, poison is one dead letter, and what is done is all there is."""
    print(f"seed {SEED}, {KILLS} kills")  # noqa: T201
    data, chance = tmp_path / "data", random.Random(SEED)
    shutil.copytree(empty_folder, data)
    publisher = Publisher(data)
    asked = set_up(publisher.writer)
    reader = Reader(data)
    with Workers() as workers:
        publisher.start()
        try:
            for _ in range(KILLS):
                worker = workers.start(data, tmp_path / "worker.log", **SETTINGS)
                before = newest_numbers(store=reader).get("out", 0)
                if chance.random() < 3 / 4:
                    until(
                        lambda before=before: newest_numbers(store=reader).get("out", 0) > before,
                        "a job is done",
                    )
                time.sleep(chance.uniform(0.0, START_S))
                workers.kill(worker)
        finally:
            publisher.over.set()
            publisher.join()
        if publisher.error is not None:
            raise publisher.error
        worker = workers.start(data, tmp_path / "worker.log", **SETTINGS)
        until(lambda: data_folder.unprocessed(data) == 0, "all are processed", 60)
        until(lambda: len(done(reader)) == len(publisher.published), "all is done", 120)
        workers.stop(worker)
    data_folder.check(data, [*asked, *publisher.published])
    check(reader, publisher.published)


def check(reader, published):
    """Each job's effect once: what it published, what it added, and the row that used it."""
    good = [message for message in published.values() if message != "poison"]
    out = [message_of(row) for row in list_topic_messages("out", 0, 1_000_000, store=reader)]
    jobs = list_topic_messages("jobs", 0, 1_000_000, store=reader)
    wanted = [row["number"] for row in jobs if message_of(row) != "poison"]
    assert Counter(said["from"] for said in out) == Counter(wanted)
    states = [json.loads(get_agent_state(name, store=reader)["context"]) for name in MEMBERS]
    assert sum(state["count"] for state in states) == len(good)
    assert sum(state["total"] for state in states) == sum(each["add"] for each in good)
    used = Counter()
    for name in MEMBERS:
        for row in list_steps(name, 0, 1_000_000, store=reader):
            if row["kind"] == "tick":
                used.update(json.loads(row["payload"] or "{}").get("used", {}).get("jobs", ()))
    assert used == Counter(wanted)
    assert done(reader) == {row["number"] for row in jobs}
    letters = list_dead_letters(store=reader)
    assert len(letters) == len(published) - len(good)
    shares = [state["count"] for state in states]
    print(f"{len(published)} jobs, {len(letters)} dead letters, shares {shares}")  # noqa: T201
