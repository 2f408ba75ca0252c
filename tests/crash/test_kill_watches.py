"""kill -9 amid files that come and change, and webhooks: each is told once, none is lost."""

import json
import os
import random
import shutil
import threading
import time
from collections import Counter

import queue_imp as q
from store.agent_state import get_agent_state
from store.topics import list_topic_messages, message_of
from tests.support import data_folder
from tests.support.waiting import until
from tests.support.worker import Workers

KILLS = int(os.environ.get("WATCH_KILLS", "6"))
"""Set the variable for a campaign."""
SEED = int(os.environ.get("WATCH_SEED", "18"))
START_S = 1.2
FILES = 900
"""Fewer than one watch may have, however slow the machine is."""


class Writer(threading.Thread):
    """Puts files into a folder, each whole at once, whether a worker runs or not."""

    def __init__(self, folder):
        super().__init__(name="writer")
        self.folder, self.chance = folder, random.Random(SEED)
        self.over, self.written, self.upto = threading.Event(), 0, 0

    def run(self):
        while not self.over.wait(self.chance.uniform(0.0, 0.05)):
            if self.written >= self.upto:
                continue
            (self.folder / "new").write_text(str(self.written))
            (self.folder / "new").rename(self.folder / f"{self.written}.txt")
            self.written += 1


def told():
    return [message_of(row) for row in list_topic_messages("@w", 0, 1_000_000)]


def test_kills_amid_files(tmp_path, empty_folder, monkeypatch):
    """Each file is told of as created, once, and used once."""
    print(f"seed {SEED}, {KILLS} kills")  # noqa: T201
    data, folder, chance = tmp_path / "data", tmp_path / "inbox", random.Random(SEED)
    shutil.copytree(empty_folder, data)
    folder.mkdir()
    monkeypatch.setenv("REINS_DATA", str(data))
    settings = {
        "REINS_AGENT_MODULES": '["agents_impl", "tests.support.waking_agents"]',
        "REINS_WATCH_ROOTS": json.dumps([str(tmp_path)]),
    }
    config = {"on": [f"file:{folder}/*.txt"], "since": "all"}
    asked = q.agent_create("w", "ann", agent_type="woken", config=config)
    writer = Writer(folder)
    with Workers() as workers:
        writer.start()
        try:
            for _ in range(KILLS):
                worker = workers.start(data, tmp_path / "worker.log", **settings)
                writer.upto += FILES // KILLS
                before = len(told())
                until(lambda before=before: len(told()) > before, "it is told of something", 60)
                time.sleep(chance.uniform(0.0, START_S))
                workers.kill(worker)
        finally:
            writer.over.set()
            writer.join()
        worker = workers.start(data, tmp_path / "worker.log", **settings)
        until(lambda: len(told()) >= writer.written, "all are told of", 60)
        until(lambda: used() >= writer.written, "all are used", 60)
        workers.stop(worker)
    data_folder.check(data, [asked])
    names = Counter((each["path"].rpartition("/")[2], each["change"]) for each in told())
    assert names == Counter({(f"{number}.txt", "created"): 1 for number in range(writer.written)})
    assert used() == writer.written
    print(f"{writer.written} files")  # noqa: T201


def used():
    row = get_agent_state("w")
    return 0 if row is None else json.loads(row["context"])["count"]
