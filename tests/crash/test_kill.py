"""kill -9 at random moments, by the hundred, while actions keep coming in."""

import random
import threading
import time

import pytest

import queue_imp as q
from store.queue import writer as queue_writer
from tests.support import data_folder
from tests.support.waiting import until
from tests.support.worker import Workers

KILLS = 26
SEEDS = (1, 2, 3, 4)
SESSIONS = 6
LIFE_S = 1.6
"""A worker is killed within this time: in its start, its recovery, its work."""


class Folder(threading.Thread):
    """One data folder whose worker is killed and killed, while a second thread enqueues."""

    def __init__(self, seed, workers, lock, path):
        super().__init__(name=f"kills {seed}")
        self.random = random.Random(seed)
        self.workers, self.lock, self.path = workers, lock, path
        self.data = path / "data"
        self.acknowledged, self.steps = [], []
        self.error, self.over = None, threading.Event()

    def run(self):
        enqueuer = threading.Thread(target=self._enqueue)
        enqueuer.start()
        try:
            try:
                for _ in range(KILLS):
                    worker = self.start_worker()
                    time.sleep(self.random.uniform(0.0, LIFE_S))
                    self.workers.kill(worker)
            finally:
                self.over.set()
                enqueuer.join()
            worker = self.start_worker()
            until(lambda: data_folder.unprocessed(self.data) == 0, "all are processed", 60)
            self.workers.stop(worker)
            self.steps = data_folder.check(self.data, self.acknowledged)
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            self.error = error

    def start_worker(self):
        with self.lock:
            return self.workers.start(self.data, self.path / "worker.log")

    def _enqueue(self):
        writer, chance = queue_writer.writer_at(self.data), random.Random(self.random.random())
        try:
            while not self.over.is_set():
                action = _some_action(chance)
                writer.append(action)
                self.acknowledged.append(action["action_id"])
                time.sleep(chance.uniform(0.0, 0.08))
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            self.error = error


def _some_action(chance):
    agent_id = f"s{chance.randrange(SESSIONS)}"
    kind, payload = chance.choices(
        [
            ("create_agent", {"agent_type": "odd", "config": {"tick": "parts", "tick_s": 0.002}}),
            ("agent_pause", {"reason": "a test"}),
            ("agent_resume", {}),
            ("agent_interrupt", {"guidance": {"subject": "dogs"}, "mode": "steer"}),
            ("agent_interrupt", {"guidance": "birds", "mode": "now"}),
            ("agent_destroy", {}),
            ("agent_restore", {}),
            ("conversation_create", {"conversation_id": "c"}),
            ("post_message", {"conversation_id": "c", "text": "hello"}),
        ],
        [5, 3, 5, 4, 4, 2, 2, 1, 3],
    )[0]
    of_session = {} if "conversation_id" in payload else {"agent_id": agent_id}
    return q.create_action(kind, "tester", **of_session, **payload)


@pytest.fixture
def workers(tmp_path):
    with Workers() as made:
        yield made


def test_a_hundred_kills_lose_nothing(workers, tmp_path):
    """After 104 kills: no gap in any log, each acknowledged action once, nothing to repair."""
    lock = threading.Lock()
    folders = []
    for seed in SEEDS:
        (tmp_path / str(seed)).mkdir()
        folders.append(Folder(seed, workers, lock, tmp_path / str(seed)))
    print(f"seeds {SEEDS}, {KILLS} kills each")  # noqa: T201
    for folder in folders:
        folder.start()
    for folder in folders:
        folder.join()
        if folder.error is not None:
            raise folder.error
    for folder in folders:
        log = (folder.path / "worker.log").read_text()
        assert "table repaired" not in log
        assert "rows set aside" not in log
        print(f"{len(folder.acknowledged)} actions, {len(folder.steps)} rows")  # noqa: T201
        assert len(folder.acknowledged) > KILLS
        assert len(folder.steps) > KILLS
