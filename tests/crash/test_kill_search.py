"""kill -9 amid indexing: every text is in the index once, with one vector."""

import os
import random
import shutil
import time

import queue_imp as q
from reins.search.searching import Searcher
from reins.search.segments import Part, read_note
from store.agent_steps import list_steps
from store.messages import list_messages
from store.queue import writer as queue_writer
from store.reading import Reader
from tests.support.waiting import until
from tests.support.worker import Workers

KILLS = int(os.environ.get("SEARCH_KILLS", "2"))
"""Set the variable for a campaign."""
SEED = int(os.environ.get("SEARCH_SEED", "19"))
SESSIONS = 10
SETTINGS = {"REINS_HEARTBEAT_S": "0.02", "REINS_SEARCH": "meaning"}


def numbers(data, part):
    async def ask(table):
        return (await table.query().select(["n"]).to_arrow())["n"].to_pylist()

    return sorted(Part(data / "search", part).each(ask))


def test_kills_amid_indexing(tmp_path, empty_folder):
    """Beside flushes, and while a person speaks."""
    print(f"seed {SEED}, {KILLS} kills")  # noqa: T201
    data, chance = tmp_path / "data", random.Random(SEED)
    shutil.copytree(empty_folder, data)
    writer, reader = queue_writer.writer_at(data), Reader(data)
    asked = [
        q.create_action("create_agent", "ann", agent_id=f"s{n}", initial_subject=f"topic {n}")
        for n in range(SESSIONS)
    ]
    writer.append(*asked, q.create_action("conversation_create", "ann", conversation_id="room"))
    said = 0
    with Workers() as workers:
        for _ in range(KILLS):
            worker = workers.start(data, tmp_path / "worker.log", **SETTINGS)
            before = read_note(data / "search", "words").get("upto", 0)
            until(
                lambda before=before: read_note(data / "search", "words").get("upto", 0) > before,
                "something is indexed",
            )
            said += 1
            writer.append(
                q.create_action(
                    "post_message", "ann", conversation_id="room", text=f"remark {said}"
                )
            )
            time.sleep(chance.uniform(0.0, 3.0))
            workers.kill(worker)
        settings = {**SETTINGS, "REINS_HEARTBEAT_S": "60"}
        worker = workers.start(data, tmp_path / "worker.log", **settings)
        until(lambda: is_up_to_date(data, reader), "all is indexed", 120)
        workers.stop(worker)
    words = numbers(data, "words")
    assert len(words) == len(set(words)), "no text stands twice"
    assert set(numbers(data, "vectors")) <= set(words)
    assert len(numbers(data, "vectors")) == len(set(numbers(data, "vectors")))
    assert rows_with_text(reader) <= set(words)
    told = Searcher(reader).search("source:session", limit=100).hits
    assert sorted(hit.row["session_id"] for hit in told) == [f"s{n}" for n in range(SESSIONS)]
    found = Searcher(reader).search("remark", limit=100)
    assert sorted(hit.row["text"] for hit in found.hits) == sorted(
        row["text"] for row in list_messages("room", store=reader)
    )


def is_up_to_date(data, reader):
    with reader.folder.read_log() as log:
        newest = log.newest_number()
    words, vectors = (read_note(data / "search", part) for part in ("words", "vectors"))
    return words.get("upto") == newest and vectors.get("upto") == words["serial"]


def rows_with_text(reader):
    return {
        row["journal_n"]
        for n in range(SESSIONS)
        for row in list_steps(f"s{n}", 0, 1_000_000, store=reader)
        if row["text"] or row["error"]
    }
