"""kill -9 amid schedules, under a clock that jumps: each due time is published once."""

import itertools
import json
import os
import random
import shutil
import time
from datetime import datetime

import pytest

import queue_imp as q
from store.agent_state import get_agent_state
from store.topics import list_topic_messages, message_of
from tests.support import data_folder
from tests.support.waiting import until
from tests.support.worker import Worker
from tests.support.wrong_clock import WrongClock

KILLS = int(os.environ.get("SCHEDULE_KILLS", "6"))
"""Set the variable for a campaign."""
SEED = int(os.environ.get("SCHEDULE_SEED", "18"))
JUMPS_S = (-7, -1, 0, 2, 25)

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="it needs gcc")


def due_of(topic):
    rows = list_topic_messages(topic, 0, 1_000_000)
    return [datetime.fromisoformat(message_of(row)["due_at"]) for row in rows]


def used(session_id):
    row = get_agent_state(session_id)
    return 0 if row is None else json.loads(row["context"])["count"]


def test_kills_amid_schedules(tmp_path, empty_folder, monkeypatch):
    """Those of people and of a session: seconds without a gap, and none twice."""
    print(f"seed {SEED}, {KILLS} kills")  # noqa: T201
    data, chance, clock = tmp_path / "data", random.Random(SEED), WrongClock(tmp_path)
    shutil.copytree(empty_folder, data)
    monkeypatch.setenv("REINS_DATA", str(data))
    settings = {
        **clock.environment,
        "REINS_AGENT_MODULES": '["agents_impl", "tests.support.waking_agents"]',
    }
    asked = [
        q.schedule_set("s", "ann", topic="t", when="every:1s", catch_up="all"),
        q.agent_create(
            "w", "ann", agent_type="woken", config={"on": ["every:1s", "topic:t"], "since": "all"}
        ),
    ]

    def start(name):
        return Worker(data, tmp_path / name, settings=settings, imports=True).started()

    for number in range(KILLS):
        with start(f"worker{number}") as worker:
            before = len(due_of("@w"))
            until(lambda before=before: len(due_of("@w")) > before, "it was woken", 60)
            clock.off_by(sum(chance.sample(JUMPS_S, 2)))
            time.sleep(chance.uniform(0.0, 2.5))
            worker.process.kill()
            worker.process.wait()
    clock.off_by(80)
    with start("worker") as worker:
        last = time.time() + 79
        until(lambda: due_of("t")[-1].timestamp() >= last, "all are published", 60)
        asked.append(q.schedule_pause("s", "ann"))
        asked.append(q.schedule_pause("@w.0", "ann"))
        for each in asked:
            assert q.wait_for_action(each, 30)["outcome"] == "applied"
        count = len(due_of("t")) + len(due_of("@w"))
        until(lambda: used("w") == count, "all are used", 60)
        worker.stop()
    data_folder.check(data, [asked[1]])  # the others leave no row in a log
    for topic in ("t", "@w"):
        due = due_of(topic)
        assert len(due) == len(set(due)), "none comes twice"
    seconds = sorted(due_of("t"))
    gaps = [(after - at).total_seconds() for at, after in itertools.pairwise(seconds)]
    assert set(gaps) == {1.0}, "none is lost"
    print(f"{len(seconds)} due times of a person's, {len(due_of('@w'))} of a session's")  # noqa: T201
