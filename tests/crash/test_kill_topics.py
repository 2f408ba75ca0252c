"""kill -9 amid publishing and consuming: each message has its effect once, and none is lost."""

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
from store.queue import writer as queue_writer
from store.reading import Reader
from store.topics import list_topic_messages, message_of, newest_numbers
from tests.support import data_folder
from tests.support.waiting import until
from tests.support.worker import Workers

KILLS = int(os.environ.get("TOPIC_KILLS", "6"))
"""Set the variable for a campaign."""
SEED = int(os.environ.get("TOPIC_SEED", "18"))
START_S = 1.2
SUBSCRIBERS = ("one", "two", "three")
POISON = 40  # one message of so many
SETTINGS = {
    "REINS_AGENT_MODULES": '["agents_impl", "tests.support.topic_agents"]',
    "REINS_RETRY_WAIT_S": "0.05",
}


class Publishers(threading.Thread):
    """They publish to two topics, whether a worker runs or not."""

    def __init__(self, data):
        super().__init__(name="publishers")
        self.writer, self.chance = queue_writer.writer_at(data), random.Random(SEED)
        self.published, self.over, self.error = {}, threading.Event(), None

    def run(self):
        try:
            while not self.over.wait(self.chance.uniform(0.0, 0.02)):
                self.publish()
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            self.error = error

    def publish(self):
        topic = self.chance.choice(("in.a", "in.b"))
        number = len(self.published) + 1
        poison = not self.chance.randrange(POISON)
        message = "poison" if poison else {"add": number}
        action = q.create_action("publish", "ann", topic=topic, message=message)
        self.writer.append(action)
        self.published[action["action_id"]] = (topic, message)


def set_up(writer):
    asked = [
        q.create_action(
            "create_agent", "ann", agent_id=name, agent_type="counter",
            config={"on": ["topic:in.*"], "since": "all", "to": f"out.{name}", "attempts": 2},
        )
        for name in SUBSCRIBERS
    ]  # fmt: skip
    ticker = {"to": "ticks", "many": 2, "most": 1_000_000, "heartbeat_s": 0.01}
    asked.append(
        q.create_action(
            "create_agent", "ann", agent_id="ticker", agent_type="ticker", config=ticker
        )
    )
    asked.append(
        q.create_action(
            "create_agent", "ann", agent_id="listener", agent_type="listener",
            config={"on": ["topic:in.*"], "since": "all", "heartbeat_s": 30},
        )
    )  # fmt: skip
    for action in asked:
        writer.append(action)
    return [action["action_id"] for action in asked]


def state_of(reader, session_id):
    row = get_agent_state(session_id, store=reader)
    return {} if row is None else json.loads(row["context"])


def cursors_at_the_end(reader):
    newest = newest_numbers(store=reader)
    wanted = {name: number for name, number in newest.items() if name.startswith("in.")}
    row = get_agent_state("listener", store=reader)
    heard = {} if row is None else json.loads(row["snapshot"])["reading"]["cursors"]
    return heard.items() >= wanted.items() and all(
        state_of(reader, name).get("cursors", {}).items() >= wanted.items() for name in SUBSCRIBERS
    )


def test_kills_amid_publishing_and_consuming(tmp_path, empty_folder):
    """Of actions, of ticks, and of what subscribers pass on; poison is one dead letter for each."""
    print(f"seed {SEED}, {KILLS} kills")  # noqa: T201
    data, chance = tmp_path / "data", random.Random(SEED)
    shutil.copytree(empty_folder, data)
    publishers = Publishers(data)
    asked = set_up(publishers.writer)
    reader = Reader(data)
    with Workers() as workers:
        publishers.start()
        try:
            for _ in range(KILLS):
                worker = workers.start(data, tmp_path / "worker.log", **SETTINGS)
                before = newest_numbers(store=reader).get("out.one", 0)
                if chance.random() < 3 / 4:
                    until(
                        lambda before=before: (
                            newest_numbers(store=reader).get("out.one", 0) > before
                        ),
                        "something is passed on",
                    )
                time.sleep(chance.uniform(0.0, START_S))
                workers.kill(worker)
        finally:
            publishers.over.set()
            publishers.join()
        if publishers.error is not None:
            raise publishers.error
        worker = workers.start(data, tmp_path / "worker.log", **SETTINGS)
        until(lambda: data_folder.unprocessed(data) == 0, "all are processed", 60)
        until(lambda: cursors_at_the_end(reader), "all is used", 120)
        workers.stop(worker)
    data_folder.check(data, [*asked, *publishers.published])
    check(reader, publishers.published)


def check(reader, published):
    """Each published once; each used once by each subscriber, or a dead letter of it."""
    there = [
        (row["message_id"], (topic, message_of(row)))
        for topic in ("in.a", "in.b")
        for row in list_topic_messages(topic, 0, 1_000_000, store=reader)
    ]
    assert dict(there) == published
    assert len(there) == len(published)
    good = [message for _, message in published.values() if message != "poison"]
    letters = Counter(row["session_id"] for row in list_dead_letters(store=reader))
    for name in SUBSCRIBERS:
        state = state_of(reader, name)
        assert state["count"] == len(good)
        assert state["total"] == sum(message["add"] for message in good)
        passed_on = list_topic_messages(f"out.{name}", 0, 1_000_000, store=reader)
        assert len(passed_on) == len(good)
        assert letters[name] == len(published) - len(good)
    heard = Counter(
        (message["topic"], message["number"])
        for row in list_steps("listener", 0, 1_000_000, store=reader)
        if row["kind"] == "guidance" and (message := json.loads(row["payload"])["message"])
    )
    numbers = newest_numbers(store=reader)
    assert heard == Counter(
        (topic, number) for topic in ("in.a", "in.b") for number in range(1, numbers[topic] + 1)
    )
    ticks = [message_of(row) for row in list_topic_messages("ticks", 0, 1_000_000, store=reader)]
    said = state_of(reader, "ticker")["said"]
    expected = [{"tick": tick, "part": part} for tick in range(1, said + 1) for part in (0, 1)]
    assert ticks == expected
    print(f"{len(published)} messages, {len(ticks)} of ticks, {letters.total()} dead letters")  # noqa: T201
