"""A sync that fails is not repeated: what it was for is written again, into other files."""

import errno
import os

import pytest

import queue_imp
from agent_core.actions.action import processed
from store import agent_steps, queue
from store.errors import OutcomeUnknownError
from store.folder import DataFolder
from store.lance import manifest
from store.lance.compaction import Compaction
from store.queue_writer import QueueWriter
from store.store import Store
from tests.integration.store.support import message, step
from tests.support.waiting import until_async

real_sync = DataFolder.sync


class Device:
    """A device of which a sync fails now and then, and which forgets what was written before."""

    def __init__(self, folder, monkeypatch):
        self._folder = folder
        self._safe = set()
        self.lost = set()
        self.failing = 0
        self.on_failure = lambda: None
        monkeypatch.setattr("store.folder.sync_file_system", self._sync)

    def _sync(self, _descriptor):
        written = {path for path in self._folder.rglob("*") if ".lance" in str(path.parent)}
        if self.failing:
            self.failing -= 1
            self.lost |= written - self._safe
            self.on_failure()
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._safe = written

    def forgotten(self, *tables):
        """The files that the newest versions of tables need, and that the device forgot."""
        needed = set()
        for name in tables:
            table = self._folder / f"{name}.lance"
            newest = manifest.manifests(table)[0]
            files = [f for one in manifest.read(newest).fragments.values() for f in one.files]
            needed |= {newest, *(table / file.path for file in files)}
        return needed & self.lost


@pytest.fixture
def device(tmp_path, monkeypatch):
    return Device(tmp_path, monkeypatch)


async def flushed(store):
    await until_async(lambda: store.journal.pending == 0)


async def test_the_flush_writes_its_rows_again(tmp_path, device):
    """Rows whose sync failed are not in files that the device forgot, once each, in order."""
    store = Store(tmp_path, flush_s=0.05)
    await store.start()
    for n in range(1, 11):
        await store.journal.append(step("s", n), message("c", n, "hi"))
    await flushed(store)
    device.failing = 2
    for n in range(11, 31):
        await store.journal.append(step("s", n), message("c", n, "hi"))
    await flushed(store)
    assert device.lost
    assert store.flush_failures == 2
    await until_async(lambda: store.flush_error is None)
    assert not device.forgotten("agent_steps", "agent_state", "messages")
    assert [row["seq"] for row in agent_steps.list_steps("s", store=store.reader)] == [
        *range(1, 31)
    ]
    assert agent_steps.list_steps("s", 29, store=store.reader)[0]["seq"] == 30
    await store.stop()


async def test_a_stop_leaves_to_the_journal_what_is_in_doubt(tmp_path, device):
    """A worker that stops on a failing disk keeps its rows in the journal; the next has them."""
    store = Store(tmp_path, flush_s=60)
    await store.start()
    await store.journal.append(step("s", 1))
    device.failing = 99
    await store.stop()
    device.failing = 0
    again = Store(tmp_path, flush_s=0.05)
    await again.start()
    assert [row["seq"] for row in agent_steps.list_steps("s", store=again.reader)] == [1]
    await again.stop()


async def test_a_compaction_is_undone(tmp_path, device):
    """Rows that a compaction moved into files that were not synced stay where they were."""
    store = Store(tmp_path, flush_s=0.02)
    await store.start()
    for n in range(1, 12):
        await store.journal.append(step("s", n))
        await flushed(store)
    store._flush._compaction.due = lambda *_: True
    device.failing = 1
    await until_async(lambda: store.flush_failures == 1, "the sync of a compaction fails")
    store._flush._compaction.due = lambda *_: False
    await store.journal.append(step("s", 12))
    await flushed(store)
    await until_async(lambda: store.flush_error is None)
    assert not device.forgotten("agent_steps", "agent_state")
    assert [row["seq"] for row in agent_steps.list_steps("s", store=store.reader)] == [
        *range(1, 13)
    ]
    await store.stop()


def actions(folder):
    rows = DataFolder(folder).open_tables().open_or_make(queue.TABLE).search().limit(None).to_list()
    return sorted(rows, key=lambda row: row["created_at"])


def test_an_action_is_written_again(tmp_path, device):
    """It is acknowledged once it is in files that the device has not forgotten."""
    writer = QueueWriter(tmp_path)
    first, second = (queue_imp.create_action("agent_pause", "ann", agent_id="a") for _ in "12")
    writer.append(first)
    device.failing = 1
    writer.append(second)
    assert device.lost
    assert not device.forgotten("queue")
    assert [row["action_id"] for row in actions(tmp_path)] == [
        first["action_id"],
        second["action_id"],
    ]


def test_an_action_that_cannot_be_synced_is_said_to_be_unknown(tmp_path, device):
    """The error does not say that it is not there, and sending it again has one effect."""
    writer = QueueWriter(tmp_path)
    device.failing = 2
    made = queue_imp.create_action("agent_pause", "ann", agent_id="a")
    with pytest.raises(OutcomeUnknownError, match=made["action_id"]):
        writer.append(made)
    writer.append(made)
    assert {row["action_id"] for row in actions(tmp_path)} == {made["action_id"]}


def test_what_was_marked_meanwhile_stays_marked(tmp_path, device):
    """Writing an action again does not take it back from the worker that has processed it."""
    writer = QueueWriter(tmp_path)
    writer.append(queue_imp.create_action("agent_pause", "ann", agent_id="a"))
    made = queue_imp.create_action("agent_pause", "ann", agent_id="b")

    def mark():
        table = DataFolder(tmp_path).open_tables().open_or_make(queue.TABLE)
        row = table.search().where(f"action_id = '{made['action_id']}'").to_list()[0]
        merge = table.merge_insert("action_id").when_matched_update_all()
        merge.execute([processed(row, outcome="applied")])

    device.failing, device.on_failure = 1, mark
    writer.append(made)
    assert [row["outcome"] for row in actions(tmp_path)] == [None, "applied"]


async def test_a_compaction_of_the_queue_is_written_again(tmp_path, device, monkeypatch):
    """Every row of the queue is moved out of the files that the device forgot."""
    store = Store(tmp_path, flush_s=60)
    await store.start()
    writer = QueueWriter(tmp_path)
    for n in range(6):
        writer.append(queue_imp.create_action("agent_pause", "ann", agent_id=f"a{n}"))
    monkeypatch.setattr(Compaction, "due", lambda *_: True)
    device.failing = 1
    with pytest.raises(OSError, match="Input/output"):
        store.compact_queue()
    monkeypatch.setattr(Compaction, "due", lambda *_: False)
    writer.append(queue_imp.create_action("agent_pause", "ann", agent_id="a6"))
    store.compact_queue()
    assert device.lost
    assert not device.forgotten("queue")
    assert [row["agent_id"] for row in actions(tmp_path)] == [f"a{n}" for n in range(7)]
    await store.stop()


async def test_marks_are_written_again_and_all_that_shares_their_files(tmp_path, device):
    """Rows that were safe do not depend on what was written beside them when a sync failed."""
    store = Store(tmp_path, flush_s=60)
    await store.start()
    made = [queue_imp.create_action("agent_pause", "ann", agent_id=f"a{n}") for n in range(4)]
    QueueWriter(tmp_path).append(*made)
    store.prove_marks()
    device.failing = 1
    marks = [processed({**made[0], "queue_n": 1}, outcome="applied")]
    await queue.mark(store.queue, marks)
    with pytest.raises(OSError, match="Input/output"):
        store.prove_marks()
    await queue.mark(store.queue, marks)
    store.prove_marks()
    assert device.lost
    assert not device.forgotten("queue")
    assert [row["outcome"] for row in actions(tmp_path)] == ["applied", None, None, None]
    await store.stop()


def test_each_writer_of_a_folder_hears_of_a_failure(tmp_path, monkeypatch):
    """One writer gets the kernel's error; the other, whose sync would succeed, hears of it too."""
    folder = DataFolder(tmp_path)
    first, second = folder.barrier(), folder.barrier()
    monkeypatch.setattr("store.folder.sync_file_system", _fails)
    with pytest.raises(OSError, match="Input/output"):
        first.sync()
    monkeypatch.undo()
    with pytest.raises(OSError, match="a sync failed after this was written"):
        second.sync()
    first.sync()
    second.sync()
    folder.close()


def _fails(_descriptor):
    raise OSError(errno.EIO, os.strerror(errno.EIO))
