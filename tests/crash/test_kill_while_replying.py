"""kill -9 while replies are being written: a message and the row of its tick are both there, or
neither, and the conversation goes on.
"""

import os
import random
import shutil
import threading
import time

import queue_imp as q
from store.messages import last_number, list_messages
from store.queue import writer as queue_writer
from store.reading import Reader
from tests.support import data_folder, transcript
from tests.support.waiting import until
from tests.support.worker import Workers

KILLS = int(os.environ.get("CONVERSATION_KILLS", "10"))
"""Set the variable for a campaign."""
SEED = 7
START_S, TALK_S = 1.0, 0.3
"""A worker is killed within the one after its start, or within the other after its first reply."""
CONVERSATIONS = ("c", "d")
PERSONAS = ("Cy", "Di", "Ed")
CEILING = 1_000


class People(threading.Thread):
    """They post now and then in both conversations, whether a worker runs or not."""

    def __init__(self, data):
        super().__init__(name="people")
        self.writer, self.chance = queue_writer.writer_at(data), random.Random(SEED)
        self.posted = {name: {} for name in CONVERSATIONS}
        self.over, self.error = threading.Event(), None

    def run(self):
        try:
            while not self.over.wait(self.chance.uniform(0.05, 0.4)):
                self.post(self.chance.choice(CONVERSATIONS), "And what then?")
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            self.error = error

    def post(self, name, text):
        action = q.create_action("post_message", "ann", conversation_id=name, text=text)
        self.writer.append(action)
        self.posted[name][action["action_id"]] = ("ann", text)
        return action["action_id"]


def set_up(writer):
    asked = []
    for name in CONVERSATIONS:
        asked.append(q.create_action("conversation_create", "ann", conversation_id=name))
        asked += [_create(name, persona) for persona in PERSONAS]
    for action in asked:
        writer.append(action)
    return [action["action_id"] for action in asked]


def _create(name, persona):
    config = {
        "name": persona, "conversation_id": name, "cooldown_s": 0.0, "max_agent_turns": CEILING,
        "context_tokens": 400,
    }  # fmt: skip
    agent_id = f"{name}-{persona}"
    return q.create_action(
        "create_agent", "ann", agent_id=agent_id, agent_type="persona", config=config
    )


def live(reader, chance):
    """One life in four ends in its start."""
    if chance.random() < 1 / 4:
        time.sleep(chance.uniform(0.0, START_S))
        return
    name = chance.choice(CONVERSATIONS)
    before = last_number(name, store=reader)
    until(lambda: any(r["session_id"] for r in list_messages(name, before, store=reader)), "talk")
    time.sleep(chance.uniform(0.0, TALK_S))


def test_kills_between_a_message_and_its_tick(tmp_path, empty_folder):
    """Of personas that reply all the time: every transcript and every log is whole afterwards."""
    print(f"seed {SEED}, {KILLS} kills")  # noqa: T201
    data, chance = tmp_path / "data", random.Random(SEED)
    shutil.copytree(empty_folder, data)
    people = People(data)
    asked = set_up(people.writer)
    reader = Reader(data)
    with Workers() as workers:
        people.start()
        try:
            for _ in range(KILLS):
                worker = workers.start(data, tmp_path / "worker.log")
                live(reader, chance)
                workers.kill(worker)
        finally:
            people.over.set()
            people.join()
        if people.error is not None:
            raise people.error
        before = {name: last_number(name, store=reader) for name in CONVERSATIONS}
        worker = workers.start(data, tmp_path / "worker.log")
        last = {name: people.post(name, "Where were we?") for name in CONVERSATIONS}
        for name in CONVERSATIONS:
            until(lambda name=name: answered(reader, name, before[name], last[name]), "it goes on")
        until(lambda: data_folder.unprocessed(data) == 0, "all are processed", 60)
        workers.stop(worker)
    posted = {}
    for each in people.posted.values():
        posted |= each
    data_folder.check(data, [*asked, *posted])
    replies = transcript.check(data, posted, ceiling=CEILING)
    log = (tmp_path / "worker.log").read_text()
    assert "table repaired" not in log
    assert "tick failed" not in log
    print(f"{len(replies)} replies to {len(posted)} messages of people")  # noqa: T201
    assert len(replies) > 4 * KILLS


def answered(reader, name, after, action_id):
    """True if an agent has spoken after that message."""
    said = list_messages(name, after, store=reader)
    at = [n for n, row in enumerate(said) if row["message_id"] == action_id]
    return at and any(row["session_id"] for row in said[at[0] :])
