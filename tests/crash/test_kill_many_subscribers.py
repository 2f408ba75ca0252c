"""kill -9 amid many subscribers of one topic: by each one's log, each message is used once."""

import itertools
import json
import os
import random
import shutil
import time
from collections import Counter
from pathlib import Path

import queue_imp as q
from store.agent_state import get_agent_state, list_agent_states
from store.agent_steps import list_steps
from store.dead_letters import list_dead_letters
from store.queue import writer as queue_writer
from store.queue.reading import everything
from store.reading import Reader
from store.topics import newest_numbers
from tests.support import data_folder
from tests.support.waiting import until
from tests.support.worker import Workers

SUBSCRIBERS = int(os.environ.get("BUS_SUBSCRIBERS", "20"))
MESSAGES = int(os.environ.get("BUS_MESSAGES", "500"))
KILLS = int(os.environ.get("BUS_KILLS", "3"))
SEED = int(os.environ.get("BUS_SEED", "18"))
"""Set the variables for a campaign: 200, 10000 and 50."""
POISONED = {7, MESSAGES // 2, MESSAGES - 1}
STUCK = "s0"
MOST_MEMORY_MB = 1_000
SETTINGS = {
    "REINS_AGENT_MODULES": '["agents_impl", "tests.support.topic_agents"]',
    "REINS_RETRY_WAIT_S": "0.05",
    "REINS_HEARTBEAT_S": "5",
}


def names():
    return [f"s{n}" for n in range(SUBSCRIBERS)]


def set_up(writer):
    """All subscribers, of which one is paused from the start."""
    config = {"on": ["topic:in"], "since": "all", "attempts": 2, "batch": 50}
    asked = [
        q.create_action("create_agent", "ann", agent_id=name, agent_type="counter", config=config)
        for name in names()
    ]
    asked.append(q.create_action("agent_pause", "ann", agent_id=STUCK))
    writer.append(*asked)
    return [action["action_id"] for action in asked]


def publish(writer, first, last):
    asked = [
        q.create_action(
            "publish", "ann", topic="in", message="poison" if n in POISONED else {"add": n}
        )
        for n in range(first, last + 1)
    ]
    for at in range(0, len(asked), 100):
        writer.append(*asked[at : at + 100])
    return [action["action_id"] for action in asked]


def cursors(reader):
    return {
        row["session_id"]: json.loads(row["context"])["cursors"].get("in", 0)
        for row in list_agent_states(store=reader)
    }


def test_kills_amid_many_subscribers(tmp_path, empty_folder):
    """With poison, and a subscriber that is paused meanwhile: memory stays bounded, too."""
    print(f"seed {SEED}, {KILLS} kills, {SUBSCRIBERS} of {MESSAGES} messages")  # noqa: T201
    data, chance = tmp_path / "data", random.Random(SEED)
    shutil.copytree(empty_folder, data)
    writer, reader = queue_writer.writer_at(data), Reader(data)
    log, peak_mb = tmp_path / "worker.log", 0
    asked = set_up(writer)
    cuts = [round(MESSAGES * n / KILLS) for n in range(KILLS + 1)]
    with Workers() as workers:
        for first, last in itertools.pairwise(cuts):
            asked += publish(writer, first + 1, last)
            before = newest_numbers(store=reader).get("in", 0)
            worker = workers.start(data, log, **SETTINGS)
            if chance.random() < 3 / 4:
                until(
                    lambda before=before: newest_numbers(store=reader).get("in", 0) > before,
                    "something is published",
                )
            time.sleep(chance.uniform(0.0, 1.5))
            peak_mb = max(peak_mb, peak_memory_mb(worker.pid))
            workers.kill(worker)
        began = time.perf_counter()
        worker = workers.start(data, log, **SETTINGS)
        until(lambda: data_folder.unprocessed(data) == 0, "all are published", 300)
        until(
            lambda: all(at == MESSAGES for name, at in cursors(reader).items() if name != STUCK),
            "all but the stuck one have used all", 600,
        )  # fmt: skip
        assert cursors(reader)[STUCK] < MESSAGES
        resumed = q.create_action("agent_resume", "ann", agent_id=STUCK)
        writer.append(resumed)
        until(lambda: cursors(reader)[STUCK] == MESSAGES, "so has the stuck one", 300)
        print(f"caught up in {time.perf_counter() - began:.1f} s")  # noqa: T201
        peak_mb = max(peak_mb, peak_memory_mb(worker.pid))
        workers.stop(worker)
    data_folder.verified(data)
    rows = check(reader)
    disk_mb = sum(each.stat().st_size for each in data.rglob("*") if each.is_file()) / 1e6
    print(f"{rows} rows, {peak_mb} MB of memory, {disk_mb:.0f} MB on disk")  # noqa: T201
    assert peak_mb < MOST_MEMORY_MB
    outcomes = {row["action_id"]: row["outcome"] for row in everything(reader)}
    assert {outcomes[action] for action in [*asked, resumed["action_id"]]} == {"applied"}


def peak_memory_mb(pid):
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1000


def check(reader):
    """State and log of each subscriber tell the same: all once, poison dead once. Returns rows."""
    good = [n for n in range(1, MESSAGES + 1) if n not in POISONED]
    letters = Counter(row["session_id"] for row in list_dead_letters(store=reader))
    assert letters == dict.fromkeys(names(), len(POISONED))
    rows = 0
    for name in names():
        state = json.loads(get_agent_state(name, store=reader)["context"])
        assert (state["count"], state["total"]) == (len(good), sum(good))
        used, seq = [], 0
        while page := list_steps(name, seq, store=reader):
            for row in page:
                used += json.loads(row["payload"] or "{}").get("used", {}).get("in", [])
            rows, seq = rows + len(page), page[-1]["seq"]
        assert used == good
    return rows
