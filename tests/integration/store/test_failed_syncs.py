"""A sync that fails is not repeated: what it was for is written again, into other files."""

import asyncio
import contextlib
import errno
import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest
from lancedb.table import LanceTable

import queue_imp
from agent_core.actions.action import processed
from store import agent_state, agent_steps
from store.errors import OutcomeUnknownError
from store.flush import Flush
from store.folder import DataFolder
from store.journal.rows import as_arrow
from store.lance import manifest
from store.lance.compaction import Compaction
from store.queue import reading as queue_reading
from store.queue import table as queue
from store.queue.file import QueueFile
from store.queue.rows import Mark
from store.queue.writer import QueueWriter, writer_at
from store.reading import Reader
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


def made(agent_id):
    return queue_imp.create_action("agent_pause", "ann", agent_id=agent_id)


def done(row):
    return processed(row, outcome="applied")


def in_table(folder):
    """The rows that the queue's table has by itself."""
    opened = DataFolder(folder).open_tables().open_or_make(queue.TABLE)
    return sorted(opened.search().limit(None).to_list(), key=lambda row: row["created_at"])


def put_by_hand(folder, *rows):
    """As another program does, which syncs nothing."""
    opened = DataFolder(folder).open_tables().open_or_make(queue.TABLE)
    opened.add(as_arrow(queue.TABLE, *({**row, queue.NUMBER: None} for row in rows)))


def enqueued_and_marked(folder, *names):
    writer, rows = writer_at(folder), [made(name) for name in names]
    numbers = []
    unlisten = writer.listen(lambda actions, _: numbers.extend(a.number for a in actions))
    writer.append(*rows)
    unlisten()
    writer.mark([Mark(number, done(row)) for number, row in zip(numbers, rows, strict=True)])


async def after_a_kill(store):
    """The next worker of a folder, which has carried over what one that was killed has left."""
    store._owner.left = "killed"
    store._flush.queue.run = lambda: None
    await store.stop()
    again = Store(store.folder.path, flush_s=600)
    await again.start()
    again._flush.queue.run()
    return again


@pytest.fixture
async def idle(tmp_path):
    """A store of which nothing is flushed by itself."""
    store = Store(tmp_path, flush_s=600)
    await store.start()
    yield store
    await store.stop()


async def test_actions_are_carried_over_again(idle, tmp_path, device):
    """They leave the queue's file once the table has them in files that were not forgotten."""
    carry = idle._flush.queue.run
    enqueued_and_marked(tmp_path, "a")
    carry()
    device.failing = 1
    enqueued_and_marked(tmp_path, "b", "c")
    with pytest.raises(OSError, match="Input/output"):
        carry()
    assert device.forgotten("queue")
    with idle.folder.read_queue() as file:
        assert [action.row["agent_id"] for action in file.finished(10)] == ["b", "c"]
    carry()
    assert not device.forgotten("queue")
    assert [row["agent_id"] for row in in_table(tmp_path)] == ["a", "b", "c"]
    with idle.folder.read_queue() as file:
        assert file.matching("1") == []


async def test_what_a_killed_worker_carried_over_is_there_once(tmp_path, device, monkeypatch):
    """Its actions are in the table and in the file: the next worker forgets them there."""
    store = Store(tmp_path, flush_s=600)
    await store.start()
    enqueued_and_marked(tmp_path, "a", "b")
    with monkeypatch.context() as dying:
        dying.setattr(QueueWriter, "forget", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store._flush.queue.run()
    again = await after_a_kill(store)
    assert [row["agent_id"] for row in in_table(tmp_path)] == ["a", "b"]
    assert [row["agent_id"] for row in queue_reading.everything(again.reader)] == ["a", "b"]
    with again.folder.read_queue() as file:
        assert file.matching("1") == []
    await again.stop()


async def test_another_flush_does_not_vouch_for_what_is_in_doubt(tmp_path, device):
    """The sync of other tables' rows succeeds after that of the queue's has failed.

    A worker that is killed then leaves no note that they are on disk: the next writes them again.
    """
    store = Store(tmp_path, flush_s=600)
    await store.start()
    enqueued_and_marked(tmp_path, "a")
    store._flush.queue.run()
    device.failing = 1
    enqueued_and_marked(tmp_path, "b", "c")
    with pytest.raises(OSError, match="Input/output"):
        store._flush.queue.run()
    await store.journal.append(step("s", 1))
    with pytest.raises(OSError, match="a sync failed after this was written"):
        await asyncio.to_thread(store._flush._flush_all)
    await asyncio.to_thread(store._flush._flush_all)
    assert device.forgotten("queue")
    again = await after_a_kill(store)
    assert not device.forgotten("queue")
    assert [row["agent_id"] for row in in_table(tmp_path)] == ["a", "b", "c"]
    await again.stop()


async def test_a_commit_that_failed_and_is_in_all_the_same(idle, tmp_path, monkeypatch):
    """It is found in the table, and not made again."""
    real_add = LanceTable.add

    def add(table, rows):
        real_add(table, rows)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(LanceTable, "add", add)
    enqueued_and_marked(tmp_path, "a")
    with pytest.raises(OSError, match="Input/output"):
        idle._flush.queue.run()
    monkeypatch.undo()
    enqueued_and_marked(tmp_path, "b")
    idle._flush.queue.run()
    assert [row["agent_id"] for row in in_table(tmp_path)] == ["a", "b"]


class Unsynced(sqlite3.OperationalError):
    sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC


@pytest.fixture
def unsynced(monkeypatch):
    """Commits of the queue's file whose sync fails."""

    def commit(*_):
        raise Unsynced("disk I/O error")

    with monkeypatch.context() as failing:
        failing.setattr(QueueFile, "commit", commit)
        yield failing


def test_an_action_that_cannot_be_synced_is_said_to_be_unknown(tmp_path, unsynced):
    """The error does not say that it is not there, and sending it again has one effect."""
    writer, row = QueueWriter(tmp_path), made("a")
    with pytest.raises(OutcomeUnknownError, match=row["action_id"]):
        writer.append(row)
    unsynced.undo()
    writer.append(row)
    assert [r["action_id"] for r in queue_reading.everything(Reader(tmp_path))] == [
        row["action_id"]
    ]


def test_each_caller_is_told_of_its_own_action(tmp_path, unsynced):
    """Threads whose actions shared a commit get an error with their own id each."""
    writer, at_once = QueueWriter(tmp_path), threading.Barrier(8)

    def append(n):
        row = made(f"a{n}")
        at_once.wait()
        with pytest.raises(OutcomeUnknownError, match=row["action_id"]):
            writer.append(row)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(append, range(8)))


def test_what_another_program_left_in_doubt_is_enqueued(tmp_path, monkeypatch):
    """A helper that finds an action in the table does not trust who wrote it."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path))
    writer_at(tmp_path).append(made("before"))  # the file is there, and the table is older
    row = made("a")
    put_by_hand(tmp_path, row)
    assert queue_imp.enqueue(row) == row["action_id"]
    with DataFolder(tmp_path).read_queue() as file:
        assert len(file.of_id(row["action_id"])) == 1
    assert queue_imp.enqueue(row) == row["action_id"]
    with DataFolder(tmp_path).read_queue() as file:
        assert len(file.of_id(row["action_id"])) == 1
    with pytest.raises(queue_imp.ActionError, match=r"another content.*agent_pause of ann"):
        queue_imp.agent_pause_action("b", "ann", action_id=row["action_id"])


async def test_a_worker_that_starts_after_a_failure_does_not_build_on_it(tmp_path, device):
    put_by_hand(tmp_path, made("a"))
    folder = DataFolder(tmp_path)
    folder.prepare()
    device.failing = 1
    with contextlib.suppress(OSError):
        folder.sync()
    assert device.forgotten("queue")
    store = Store(tmp_path, flush_s=600)
    await store.start()
    store._flush.queue.compact()
    assert not device.forgotten("queue")
    assert not store.folder.failed_syncs.unsettled
    await store.stop()


async def test_a_compaction_of_the_queue_is_written_again(idle, tmp_path, device, monkeypatch):
    """Every row of the queue is moved out of the files that the device forgot."""
    for n in range(6):
        enqueued_and_marked(tmp_path, f"a{n}")
        idle._flush.queue.run()
    monkeypatch.setattr(Compaction, "due", lambda *_: True)
    device.failing = 1
    with pytest.raises(OSError, match="Input/output"):
        idle._flush.queue.compact()
    monkeypatch.setattr(Compaction, "due", lambda *_: False)
    put_by_hand(tmp_path, made("a6"))
    idle._flush.queue.compact()
    assert device.lost
    assert not device.forgotten("queue")
    assert [row["agent_id"] for row in in_table(tmp_path)] == [f"a{n}" for n in range(7)]


async def test_marks_are_written_again_and_all_that_shares_their_files(tmp_path, device):
    """Rows that another program put there do not depend on what was written beside them when a
    sync failed."""
    rows = [made(f"a{n}") for n in range(4)]
    put_by_hand(tmp_path, *rows)
    store = Store(tmp_path, flush_s=600)
    await store.start()
    with store.folder.read_queue() as file:
        first = file.of_id(rows[0]["action_id"])[0]
    writer_at(store.folder).mark([Mark(first.number, done(first.row))])
    device.failing = 1
    with pytest.raises(OSError, match="Input/output"):
        store._flush.queue.run()
    store._flush.queue.run()
    assert device.lost
    assert not device.forgotten("queue")
    assert [row["outcome"] for row in in_table(tmp_path)] == ["applied", None, None, None]
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
