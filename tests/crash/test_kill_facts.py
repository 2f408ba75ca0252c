"""kill -9 of a worker amid changes of facts: each is on record once, and none is lost."""

import os
import random
import shutil
import time

import queue_imp as q
from store.facts import list_facts
from store.queue import writer as queue_writer
from store.reading import Reader
from tests.support import data_folder
from tests.support.waiting import until
from tests.support.worker import Workers

KILLS = int(os.environ.get("FACT_KILLS", "3"))
"""Set the variable for a campaign."""
SEED = int(os.environ.get("FACT_SEED", "69"))
LIFE_S = 0.8


def test_kills_amid_facts(tmp_path, empty_folder, monkeypatch):
    """People assert, end and retract; what their receipts say is what there is, in any process."""
    print(f"seed {SEED}, {KILLS} kills")  # noqa: T201
    data, chance = tmp_path / "data", random.Random(SEED)
    shutil.copytree(empty_folder, data)
    monkeypatch.setenv("REINS_DATA", str(data))
    writer, reader, asked = queue_writer.writer_at(data), Reader(data), {}

    def ask(kind, **payload):
        action = q.create_action(kind, "ann", **payload)
        writer.append(action)
        asked[action["action_id"]] = kind
        return action["action_id"]

    number = 0
    with Workers() as workers:
        for _ in range(KILLS):
            worker = workers.start(data, tmp_path / "worker.log")
            for _ in range(6):
                fact_id = ask(
                    "fact_remember", subject="Elm", relation="costs", object=f"{number}",
                    source=f"s{number % 2}", functional=number == 1,
                )  # fmt: skip
                if number % 3 == 1:
                    ask("fact_retract", fact_id=fact_id)
                if number % 3 == 2:
                    ask("fact_end", fact_id=fact_id, at="2100")
                number += 1
                time.sleep(chance.uniform(0.0, LIFE_S / 6))
            workers.kill(worker)
        worker = workers.start(data, tmp_path / "worker.log")
        ask("fact_retract", source="s0")
        until(lambda: data_folder.unprocessed(data) == 0, "all are processed", 60)
        workers.stop(worker)
    data_folder.verified(data)
    outcomes = {action_id: q.action_receipt(action_id)["outcome"] for action_id in asked}
    assert set(outcomes.values()) == {"applied"}
    rows = list_facts(store=reader)
    said = [row["op_id"] for row in rows]
    assert len(set(said)) == len(said)
    assert set(asked) <= set(said)
    prices = [int(row["object"]) for row in rows if row["relation"] == "costs"]
    assert prices == list(range(number))
    history = q.facts_about("Elm", history=True)["facts"]
    stand = {
        int(fact["object"]) for fact in history
        if fact["relation"] == "costs" and not fact.get("retracted")
    }  # fmt: skip
    assert stand == {each for each in range(number) if each % 3 != 1 and each % 2}
    assert [fact["object"] for fact in q.facts_about("Elm")["facts"]] == [str(max(stand))]
