"""A sync that fails is not repeated: what it was for is written again, into other files."""

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest
from lancedb.table import LanceTable

import queue_imp
from agent_core.actions.action import processed
from store import agent_state, agent_steps, queue
from store.errors import OutcomeUnknownError, StoreError
from store.flush import Flush
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


def test_each_caller_is_told_of_its_own_action(tmp_path, device):
    """Threads whose actions shared a commit get an error with their own id each."""
    writer = QueueWriter(tmp_path)
    writer.append(queue_imp.create_action("agent_pause", "ann", agent_id="a"))
    device.failing = 99
    at_once = threading.Barrier(8)

    def append(n):
        made = queue_imp.create_action("agent_pause", "ann", agent_id=f"a{n}")
        at_once.wait()
        with pytest.raises(OutcomeUnknownError, match=made["action_id"]):
            writer.append(made)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(append, range(8)))


def test_a_commit_that_failed_and_is_in_all_the_same(tmp_path, monkeypatch):
    """It is found there, once; one that is not there is told as not acknowledged."""
    writer = QueueWriter(tmp_path)
    writer.append(queue_imp.create_action("agent_pause", "ann", agent_id="a"))
    real_add, made = LanceTable.add, queue_imp.create_action("agent_pause", "ann", agent_id="b")
    commits = [True, False]

    def add(table, rows):
        if commits.pop(0):
            real_add(table, rows)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(LanceTable, "add", add)
    writer.append(made)
    with pytest.raises(StoreError, match="It is not acknowledged"):
        writer.append(queue_imp.create_action("agent_pause", "ann", agent_id="c"))
    assert [row["agent_id"] for row in actions(tmp_path)] == ["a", "b"]


def test_a_commit_that_nobody_can_look_up(tmp_path, monkeypatch):
    """Nothing is said to be in or not in the queue where that cannot be known."""
    writer = QueueWriter(tmp_path)
    writer.append(queue_imp.create_action("agent_pause", "ann", agent_id="a"))
    real_add, made = LanceTable.add, queue_imp.create_action("agent_pause", "ann", agent_id="b")

    def add(table, rows):
        real_add(table, rows)
        monkeypatch.setattr(LanceTable, "count_rows", add)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(LanceTable, "add", add)
    with pytest.raises(OutcomeUnknownError, match=f"{made['action_id']}.*same id"):
        writer.append(made)


def test_a_row_of_the_same_id_is_not_written_over(tmp_path, device):
    """Writing an action again leaves another's content under its id alone."""
    writer = QueueWriter(tmp_path)
    first = queue_imp.create_action("agent_pause", "ann", agent_id="a")
    writer.append(first)
    device.failing = 1
    writer.append(first | {"agent_id": "b"})
    assert sorted(row["agent_id"] for row in actions(tmp_path)) == ["a", "b"]
    assert not device.forgotten("queue")


def test_what_is_sent_again_is_written_again(tmp_path, device, monkeypatch):
    """A helper's second try under one id is acknowledged once the first one's row is on disk."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path))
    device.failing = 2
    with pytest.raises(OutcomeUnknownError, match="mine"):
        queue_imp.agent_pause_action("a", "ann", action_id="mine")
    assert device.forgotten("queue")
    assert queue_imp.agent_pause_action("a", "ann", action_id="mine") == "mine"
    assert not device.forgotten("queue")
    assert [row["action_id"] for row in actions(tmp_path)] == ["mine"]
    with pytest.raises(queue_imp.ActionError, match=r"another content.*agent_pause of ann"):
        queue_imp.agent_pause_action("b", "ann", action_id="mine")


def test_what_another_process_left_in_doubt_is_written_again(tmp_path, device):
    """A process that finds an action under the id that it sends does not trust who wrote it."""
    device.failing = 2
    with pytest.raises(OutcomeUnknownError):
        QueueWriter(tmp_path).append(queue_imp.create_action("agent_pause", "ann", agent_id="a"))
    assert device.forgotten("queue")
    QueueWriter(tmp_path).confirm(*actions(tmp_path))
    assert not device.forgotten("queue")
    assert len(actions(tmp_path)) == 1


def test_who_opens_the_folder_after_a_failure_does_not_build_on_it(tmp_path, device):
    """The kernel tells of the failure only those who had the folder open."""
    device.failing = 2
    with pytest.raises(OutcomeUnknownError):
        QueueWriter(tmp_path).append(queue_imp.create_action("agent_pause", "ann", agent_id="a"))
    assert DataFolder(tmp_path).failed_syncs.unsettled
    QueueWriter(tmp_path).append(queue_imp.create_action("agent_pause", "ann", agent_id="b"))
    assert not device.forgotten("queue")
    assert [row["agent_id"] for row in actions(tmp_path)] == ["a", "b"]
    assert not DataFolder(tmp_path).failed_syncs.unsettled


async def test_a_worker_that_starts_after_a_failure_does_not_build_on_it(tmp_path, device):
    writer = QueueWriter(tmp_path)
    writer.append(queue_imp.create_action("agent_pause", "ann", agent_id="a"))
    device.failing = 2
    with pytest.raises(OutcomeUnknownError):
        writer.append(queue_imp.create_action("agent_pause", "ann", agent_id="b"))
    store = Store(tmp_path, flush_s=60)
    await store.start()
    store.compact_queue()
    assert not device.forgotten("queue")
    assert not store.folder.failed_syncs.unsettled
    await store.stop()


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


def test_a_failure_while_another_writer_waits_for_its_sync(tmp_path, monkeypatch):
    """The second sync succeeds after the first one's failure, and proves nothing all the same."""
    folder = DataFolder(tmp_path)
    first, second = folder.barrier(), folder.barrier()
    begun, go_on, failed = threading.Event(), threading.Event(), []

    def sync(_descriptor):
        if not begun.is_set():
            begun.set()
            go_on.wait(20)
            _fails(_descriptor)

    def wait(barrier):
        try:
            barrier.sync()
        except OSError:
            failed.append(barrier)

    monkeypatch.setattr("store.folder.sync_file_system", sync)
    threads = [threading.Thread(target=wait, args=(barrier,)) for barrier in (first, second)]
    threads[0].start()
    begun.wait(20)
    threads[1].start()
    threads[1].join(0.1)  # it waits, or has seen nothing yet: both lead to the same
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert set(failed) == {first, second}
    folder.close()


def test_a_note_whose_sync_failed_leaves_the_old_one(tmp_path, monkeypatch):
    """The format's file is whole or as before, and nothing is left beside it."""
    folder = DataFolder(tmp_path)
    folder.prepare()
    before = (tmp_path / "format.json").read_bytes()
    monkeypatch.setattr(os, "fsync", _fails)
    with pytest.raises(OSError, match="Input/output"):
        folder.write_json("format.json", {"format": 2})
    assert (tmp_path / "format.json").read_bytes() == before
    assert list(tmp_path.glob("*.part")) == []


def _fails(_descriptor):
    raise OSError(errno.EIO, os.strerror(errno.EIO))


async def test_a_file_that_was_never_written_is_not_taken_for_written(tmp_path, monkeypatch):
    """LanceDB takes no notice where a file of deletions cannot be written, and names an empty one:
    the rows are written again before the journal forgets them.
    """
    store = Store(tmp_path, flush_s=0.05)
    await store.start()
    await store.journal.append(step("s", 1), step("t", 1))
    await until_async(lambda: not store.journal.pending)
    emptied, real = [], Flush._write

    def write(flush, name, rows):
        real(flush, name, rows)
        if name == "agent_state" and not emptied:
            emptied.extend((tmp_path / "agent_state.lance" / "_deletions").glob("*"))
            emptied[0].write_bytes(b"")

    monkeypatch.setattr(Flush, "_write", write)
    await store.journal.append(step("s", 2))
    await until_async(lambda: not store.journal.pending)
    assert emptied
    assert store.flush_failures >= 1
    await store.stop()
    again = Store(tmp_path)
    await again.start()
    assert not again.repaired
    rows = agent_state.list_agent_states(store=again.reader)
    found = {row["session_id"]: orjson.loads(row["history"])["seq"] for row in rows}
    assert found == {"s": 2, "t": 1}
    await again.stop()
