"""A data folder that an earlier version wrote opens, with all that it held."""

import tarfile
from pathlib import Path

import pytest

from store.agent_state import list_agent_states
from store.agent_steps import list_steps
from store.conversations import list_conversations
from store.messages import list_messages
from store.model_calls import list_calls
from store.queue import table as queue
from store.store import Store
from tests.integration.store.support import step
from tests.support.waiting import until_async

# Written by a worker of commit d4956de that was ended without a stop: seven rows of the second
# session's end and of the conversation are still in its journal, the others are in the tables.
WRITTEN = Path(__file__).parent / "folder-of-d4956de.tar.gz"
SEQS = {"joker": list(range(1, 9)), "kept": list(range(1, 6))}


@pytest.fixture
def folder(tmp_path):
    with tarfile.open(WRITTEN) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "w_old_folder"


def check(reader):
    for session, seqs in SEQS.items():
        assert [row["seq"] for row in list_steps(session, store=reader)] == seqs
    states = {row["session_id"]: row["status"] for row in list_agent_states(store=reader)}
    assert states == {"joker": "stopped", "kept": "paused"}
    assert [row["title"] for row in list_conversations(store=reader)] == ["Tea"]
    assert [row["text"] for row in list_messages("tea", store=reader)] == ["Tea?", "With milk."]
    assert list_calls("joker", store=reader)


async def test_a_folder_of_the_version_before_opens_with_all_its_rows(folder):
    """Nothing is repaired or lost; what was in the journal is flushed, and the log goes on."""
    store = Store(folder, flush_s=0.02)
    await store.start()
    check(store.reader)
    assert store.repaired == []
    await until_async(lambda: store.journal.pending == 0)
    check(store.reader)
    assert store.reader.count(queue.TABLE, "outcome = 'applied'") == 7
    await store.journal.append(step("kept", 6))
    await until_async(lambda: store.journal.pending == 0)
    assert [row["seq"] for row in list_steps("kept", store=store.reader)] == [*SEQS["kept"], 6]
    await store.stop()
