"""kill -9 amid adding documents: each version is whole or not there, and no file is left over."""

import json
import os
import random
import shutil
import time

import queue_imp as q
from agent_core.actions.documents import document_id_of
from reins.documents.blobs import put
from store import chunks, documents
from store.queue import reading as queue_reading
from store.queue import writer as queue_writer
from store.reading import Reader
from tests.support import data_folder
from tests.support.waiting import until
from tests.support.worker import Workers

KILLS = int(os.environ.get("DOCUMENT_KILLS", "2"))
"""Set the variable for a campaign."""
SEED = int(os.environ.get("DOCUMENT_SEED", "68"))
DOCUMENTS = 30
SETTINGS = {"REINS_FLUSH_S": "0.3"}


def text_of(number, version):
    return f"# Document {number}\n\n" + f"It is version {version}, of {number}.\n\n" * 300


def test_kills_amid_adding_documents(tmp_path, empty_folder):
    """All that was asked for is stored once, with all of its text, versions in their order."""
    print(f"seed {SEED}, {KILLS} kills")  # noqa: T201
    data, chance = tmp_path / "data", random.Random(SEED)
    shutil.copytree(empty_folder, data)
    writer, reader = queue_writer.writer_at(data), Reader(data)
    kept = [put(data, f"nobody asks for {age}".encode()) for age in ("old", "young")]
    os.utime(data / "blobs" / kept[0], (0, 0))
    (data / "blobs" / "torn.part").write_bytes(b"a part")
    os.utime(data / "blobs" / "torn.part", (0, 0))
    asked = []
    with Workers() as workers:
        for kill in range(KILLS + 1):
            for number in range(DOCUMENTS):
                text = text_of(number, kill + 1)
                how = {"text": text} if number % 2 else {"blob": put(data, text.encode())}
                action = q.create_action("document_add", "ann", source=f"d{number}", **how)
                writer.append(action)
                asked.append(action["action_id"])
            worker = workers.start(data, tmp_path / "worker.log", **SETTINGS)
            if kill < KILLS:
                before = len(documents.list_documents(store=reader))
                until(
                    lambda before=before: (
                        before or len(documents.list_documents(store=reader)) > before
                    ),
                    "documents are stored",
                )
                time.sleep(chance.uniform(0.0, 0.5))
                workers.kill(worker)
        until(lambda: data_folder.unprocessed(data) == 0, "all are processed", 180)
        workers.stop(worker)
    data_folder.verified(data)
    receipts = queue_reading.get_actions(reader, asked)
    assert {row["outcome"] for row in receipts} == {"applied"}
    for number in range(DOCUMENTS):
        own = document_id_of(f"d{number}")
        versions = documents.document_rows(own, store=reader)
        assert [row["version"] for row in versions] == list(range(1, KILLS + 2))
        for row in versions:
            stored = chunks.text_of(own, row["version"], store=reader)
            assert stored == text_of(number, row["version"])
    left = {path.name for path in (data / "blobs").iterdir()}
    assert kept[1] in left
    assert kept[0] not in left
    assert "torn.part" not in left
    assert len(left) == 1 + (KILLS + 1) * DOCUMENTS // 2


def test_a_kill_amid_following_a_folder(tmp_path, empty_folder):
    """Each file is a document once: what was asked for before the kill is not asked for again."""
    data, folder = tmp_path / "data", tmp_path / "library"
    shutil.copytree(empty_folder, data)
    folder.mkdir()
    for number in range(DOCUMENTS):
        (folder / f"d{number}.md").write_text(text_of(number, 1))
    reader = Reader(data)
    settings = {**SETTINGS, "REINS_DOCUMENT_FOLDERS": json.dumps([str(folder)])}
    with Workers() as workers:
        worker = workers.start(data, tmp_path / "worker.log", **settings)
        until(lambda: documents.list_documents(store=reader), "documents are stored")
        workers.kill(worker)
        before = len(documents.list_documents(store=reader))
        (folder / "d0.md").unlink()
        worker = workers.start(data, tmp_path / "worker.log", **settings)
        wanted = {str(folder / f"d{number}.md") for number in range(1, DOCUMENTS)}
        until(
            lambda: {row["source"] for row in documents.list_documents(store=reader)} == wanted,
            "the documents are the files",
        )
        workers.stop(worker)
    assert before <= DOCUMENTS
    data_folder.verified(data)
    assert data_folder.unprocessed(data) == 0
    rows = queue_reading.list_actions(reader, limit=1_000)
    assert {row["outcome"] for row in rows} == {"applied"}
    assert DOCUMENTS - 1 <= len(rows) <= DOCUMENTS + 1  # d0 may be gone before it was asked for
    assert {row["version"] for row in documents.list_documents(store=reader)} == {1}
