"""kill -9 of workers whose sessions share what they remember: each version once, none is lost."""

import json
import os
import random
import shutil
import time

import queue_imp as q
from store.agent_state import list_agent_states
from store.memories import list_memories
from store.queue import writer as queue_writer
from store.reading import Reader
from tests.support import data_folder
from tests.support.sharing_actions import TURNS
from tests.support.waiting import until
from tests.support.worker import Workers

KILLS = int(os.environ.get("SHARED_KILLS", "5"))
"""Set the variable for a campaign."""
SEED = int(os.environ.get("SHARED_SEED", "62"))
PLANS = int(os.environ.get("SHARED_PLANS", "6"))
SETTINGS = {"REINS_PLANS": '["tests.support.sharing_actions"]'}
LIFE_S = 1.0


def test_kills_of_sessions_that_share(tmp_path, empty_folder):
    """Sessions and people write the same keys; what each was told is what there is."""
    print(f"seed {SEED}, {KILLS} kills")  # noqa: T201
    data, chance = tmp_path / "data", random.Random(SEED)
    shutil.copytree(empty_folder, data)
    writer, reader, asked = queue_writer.writer_at(data), Reader(data), []

    def ask(kind, **payload):
        action = q.create_action(kind, "ann", **payload)
        writer.append(action)
        asked.append(action["action_id"])

    config = {"name": "sharing", "state": {"turns": 0}}
    people = 0
    with Workers() as workers:
        for number in range(PLANS):
            ask("create_agent", agent_id=f"s{number}", agent_type="plan", config=config)
        for _ in range(KILLS):
            worker = workers.start(data, tmp_path / "worker.log", **SETTINGS)
            for _ in range(5):
                ask("memory_put", scope="shared", key="last", value=f"person {people}")
                people += 1
                time.sleep(chance.uniform(0.0, LIFE_S / 5))
            workers.kill(worker)
        worker = workers.start(data, tmp_path / "worker.log", **SETTINGS)
        until(lambda: data_folder.unprocessed(data) == 0, "all are processed", 60)
        until(
            lambda: (
                [row["status"] for row in list_agent_states(store=reader)] == ["completed"] * PLANS
            ),
            "all are done",
            120,
        )
        workers.stop(worker)
    data_folder.verified(data)
    shared = list_memories(scope="shared", store=reader)
    sums = [json.loads(row["value"])["n"] for row in shared if row["key"] == "sum"]
    assert sums == list(range(1, PLANS * TURNS + 1))
    last = [json.loads(row["value"]) for row in shared if row["key"] == "last"]
    assert sorted(each for each in last if isinstance(each, int)) == sorted(
        list(range(TURNS)) * PLANS
    )
    assert [each for each in last if isinstance(each, str)] == [
        f"person {number}" for number in range(people)
    ]
    for number in range(PLANS):
        own = list_memories(scope="agent", agent_id=f"s{number}", store=reader)
        assert [json.loads(row["value"]) for row in own] == list(range(TURNS))
