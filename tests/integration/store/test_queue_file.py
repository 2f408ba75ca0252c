"""The queue's own file: what it acknowledged is there, in order, or its loss is said."""

import asyncio
import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

import queue_imp
from agent_core.actions.action import processed
from agent_core.actions.payloads import PAYLOADS
from reins.verifying.verify import verify
from store import new_ids
from store.errors import (
    FolderUnusableError,
    OutcomeUnknownError,
    QueueFullError,
    RollBackNeededError,
    StoreError,
)
from store.folder import DataFolder
from store.journal import acknowledged, wal
from store.journal.rows import as_arrow
from store.lance import damage
from store.lance.tables import connect, open_or_make
from store.queue import reading as queue_reading
from store.queue import table as queue
from store.queue import watch as queue_watch
from store.queue.file import QueueFile
from store.queue.intake import Intake
from store.queue.rewriting import write_again
from store.queue.rows import UNBOUNDED, Mark, asked
from store.queue.writer import QueueWriter, writer_at
from store.reading import Reader
from store.store import Store
from tests.integration.store.support import ROOT, child
from tests.support.waiting import until


def action(agent_id="a", kind="agent_resume", **parts):
    return queue_imp.create_action(kind, "ann", agent_id=agent_id, **parts)


def put_by_hand(folder, *rows):
    opened = open_or_make(connect(Path(folder)), queue.TABLE)
    opened.add(as_arrow(queue.TABLE, *({queue.NUMBER: None, **row} for row in rows)))


def names(rows):
    return [row["agent_id"] for row in rows]


def waiting(folder):
    with DataFolder(folder).read_queue() as file:
        return [each.row for each in file.waiting()[0]]


def mark_all(folder):
    writer = writer_at(folder)
    marks = [Mark(row[queue.NUMBER], processed(row, outcome="applied")) for row in waiting(folder)]
    writer.mark(marks)


# -- a folder of the version before, and other programs


@pytest.mark.parametrize("numbered", [True, False])
async def test_what_waits_in_an_older_folder_comes_first(tmp_path, numbered):
    """Its actions wait in the table, numbered or not; a helper enqueues before a worker starts."""
    rows = [action(f"old-{n}") | {queue.NUMBER: 40 + n} for n in range(3)]
    rows[1] |= processed(rows[1], outcome="applied")
    if numbered:
        put_by_hand(tmp_path, *rows)
    else:  # from before the column
        schema = queue.TABLE.schema.remove(queue.TABLE.schema.get_field_index(queue.NUMBER))
        db = connect(tmp_path)
        db.create_table("queue", pa.Table.from_pylist(rows, schema=schema))
    QueueWriter(tmp_path).append(action("new"))
    assert names(waiting(tmp_path)) == ["old-0", "old-2", "new"]
    numbers = [row[queue.NUMBER] for row in waiting(tmp_path)]
    assert numbers == ([43, 44, 45] if numbered else [1, 2, 3])
    store = Store(tmp_path, flush_s=600)
    await store.start()
    assert names(waiting(tmp_path)) == ["old-0", "old-2", "new"]
    assert queue_reading.depth(store.reader) == 3
    assert len(queue_reading.everything(store.reader)) == 4
    await asyncio.to_thread(mark_all, tmp_path)
    await store.stop()
    stored = Reader(tmp_path).stored(queue.TABLE, None).to_pylist()
    assert sorted(names(stored)) == ["new", "old-0", "old-1", "old-2"]
    assert {row["outcome"] for row in stored} == {"applied"}


async def test_rows_of_another_program_are_adopted_once(tmp_path):
    """Whoever looks sees each once, in the state that it has, until the table has it too."""
    store = Store(tmp_path, flush_s=600)
    await store.start()
    put_by_hand(tmp_path, action("theirs"), action("twin"))
    assert queue_reading.depth(store.reader) == 2
    for _ in range(2):
        store.adopt_actions()
    put_by_hand(tmp_path, action("later"))
    store.adopt_actions()
    assert names(waiting(tmp_path)) == ["theirs", "twin", "later"]
    assert queue_reading.depth(store.reader) == 3
    await asyncio.to_thread(mark_all, tmp_path)
    assert queue_reading.depth(store.reader) == 0
    assert names(queue_reading.list_actions(store.reader, state="queued")) == []
    assert len(queue_reading.list_actions(store.reader, state="applied")) == 3
    table = await store.folder.open_tables().open_async(queue.TABLE)
    assert await queue_imp.poll_lancedb_for_actions(table) == []
    store._flush.queue.run()
    store.adopt_actions()
    assert waiting(tmp_path) == []
    stored = store.reader.stored(queue.TABLE, None).to_pylist()
    assert [row["outcome"] for row in stored] == ["applied"] * 3
    await store.stop()


async def test_a_row_that_nobody_can_name_stays_where_it_is(tmp_path):
    """Whatever another program has put there, the worker starts, and takes up the rest."""
    put_by_hand(tmp_path, action("theirs") | {"action_id": None, "agent_id": None}, action("good"))
    table = open_or_make(connect(tmp_path), queue.TABLE)
    table.add_columns({"more": "1"})
    store = Store(tmp_path, flush_s=600)
    await store.start()
    assert names(waiting(tmp_path)) == ["good"]
    await store.stop()


async def test_a_refusal_takes_no_outcome_away(tmp_path):
    """Rows of one id and one time, which another program has given two contents."""
    store = Store(tmp_path, flush_s=600)
    await store.start()
    twins = [action(name, action_id="same") | {"created_at": None} for name in ("first", "second")]
    put_by_hand(tmp_path, *twins)
    store.adopt_actions()
    first, second = waiting(tmp_path)
    refused = processed(second, outcome="rejected", error=f"{queue.ID_REUSED}, for another content")
    for row in (refused, processed(first, outcome="applied", applied_seq=3)):
        await asyncio.to_thread(writer_at(store.folder).mark, [Mark(row[queue.NUMBER], row)])
        store._flush.queue.run()
    found = queue_reading.find(store.reader, "same")
    assert (found["agent_id"], found["outcome"], found["applied_seq"]) == ("first", "applied", 3)
    await store.stop()


async def test_a_row_with_a_time_that_is_none_stays_where_it_is(tmp_path):
    """A column of times takes any number; Python's times end with the year 9999."""
    row = as_arrow(queue.TABLE, {**action("bad", action_id="same"), queue.NUMBER: None})
    at = row.schema.get_field_index("created_at")
    far = pa.array([1 << 61], pa.int64()).cast(row.schema.field(at).type)
    opened = open_or_make(connect(tmp_path), queue.TABLE)
    opened.add(row.set_column(at, row.schema.field(at), far))
    put_by_hand(tmp_path, action("good", action_id="same"))
    store = Store(tmp_path, flush_s=600)
    await store.start()
    assert names(waiting(tmp_path)) == ["good"]
    assert await queue_reading.processed(store.folder, store.queue, ["same"]) == {}
    await asyncio.to_thread(mark_all, tmp_path)
    store._flush.queue.run()
    assert waiting(tmp_path) == []
    assert list(await queue_reading.processed(store.folder, store.queue, ["same"])) == ["same"]
    assert names(queue_reading.list_actions(store.reader)) == ["good"]
    write_again(opened, None)
    by_hand = {"receipts_confirmed"}  # no session has applied it
    assert {finding.check for finding in verify(tmp_path).findings} == by_hand
    await store.stop()


async def test_an_adopted_row_that_was_lost_is_written_anew(tmp_path):
    """Who wrote it has not synced it: with the power it goes, and its outcome is recorded still."""
    store = Store(tmp_path, flush_s=600)
    await store.start()
    put_by_hand(tmp_path, action("theirs"))
    store.adopt_actions()
    open_or_make(connect(tmp_path), queue.TABLE).delete("agent_id = 'theirs'")
    await asyncio.to_thread(mark_all, tmp_path)
    store._flush.queue.run()
    [row] = store.reader.stored(queue.TABLE, None).to_pylist()
    assert (row["agent_id"], row["outcome"]) == ("theirs", "applied")
    await store.stop()


# -- its end is proven

KILLED = """
import os, sys
import queue_imp
from store.queue.writer import QueueWriter
writer = QueueWriter(sys.argv[1])
for n in range(40):
    writer.append(queue_imp.create_action("agent_resume", "ann", agent_id=f"a{n}"))
os._exit(9)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed") / "data"
    done = subprocess.run([sys.executable, "-c", KILLED, folder], cwd=ROOT, check=False)
    assert done.returncode == 9
    return folder


@pytest.fixture
def folder(killed, tmp_path):
    return shutil.copytree(killed, tmp_path / "data")


def cut(path):
    os.truncate(path, path.stat().st_size * 3 // 4)


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def remove(path):
    path.unlink()


async def started(folder):
    store = Store(folder)
    await store.start()
    await store.stop()


async def test_a_helper_that_was_killed_has_lost_nothing(folder):
    await started(folder)
    assert names(waiting(folder)) == [f"a{n}" for n in range(40)]


@pytest.mark.parametrize("harm", [cut, flip, remove])
async def test_a_log_that_lost_its_end_is_refused(folder, harm):
    """By the worker and by helpers; a person may go on, and no number is given out again."""
    harm(wal.log_of(folder / "queue.sqlite"))
    assert "queue_acknowledged" in {finding.check for finding in verify(folder).findings}
    with pytest.raises(RollBackNeededError, match=r"queue .*--roll-back") as refused:
        await started(folder)
    assert "queue_n" in str(refused.value)
    with pytest.raises(FolderUnusableError, match="40 was acknowledged"):
        QueueWriter(folder)._opened()
    Store(folder).repair(roll_back=True)
    [entry] = damage.missing(folder)
    assert (entry.table, entry.rows > 0) == ("queue", True)
    await started(folder)
    QueueWriter(folder).append(action("next"))
    assert waiting(folder)[-1][queue.NUMBER] == 41


async def test_what_is_enqueued_does_not_wait_for_the_flush(tmp_path):
    """While the table is at work rows of other programs are put off, and come soon after."""
    store = Store(tmp_path, flush_s=60.0)
    await store.start()
    intake, woken = Intake(store.folder, store.adopt_actions), asyncio.Event()
    intake.start(woken.set)
    await intake.take()
    with store._flush.queue._turn:
        table = store.folder.open_tables().open_if_there(queue.TABLE)
        table.add(pa.Table.from_pylist([action("theirs")], schema=queue.TABLE.schema))
        QueueWriter(tmp_path).append(action("ours"))
        intake.look()
        taken = await asyncio.wait_for(intake.take(), 20)
        assert names(each.row for each in taken) == ["ours"]
        intake.taken()
    async with asyncio.timeout(20):
        while "theirs" not in names(each.row for each in await intake.take()):
            await woken.wait()
            woken.clear()
    await intake.stop()
    await store.stop()


async def test_a_file_that_was_emptied_keeps_its_log(folder):
    """SQLite deletes the log of a file of no bytes at the first look, with all that is in it."""
    log = wal.log_of(folder / "queue.sqlite")
    before = log.read_bytes()
    os.truncate(folder / "queue.sqlite", 0)
    for look in (waiting, lambda _: QueueWriter(folder).append(action()), verify):
        with pytest.raises((FolderUnusableError, StoreError), match="it is empty, and its log"):
            look(folder)
    with pytest.raises(FolderUnusableError, match="it is empty"):
        await started(folder)
    assert log.read_bytes() == before
    for path in folder.glob("queue.sqlite*"):  # as the error says
        path.rename(path.with_name(f"aside-{path.name}"))
    with pytest.raises(RollBackNeededError, match="queue_n 1-40"):
        await started(folder)


async def test_an_action_that_is_not_what_was_committed_is_refused(folder):
    """A changed byte of the file itself, which no frame's checksum guards."""
    path = folder / "queue.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE action SET body = replace(body, 'a7', 'b7') WHERE n = 8")
    connection.close()
    assert "queue_acknowledged" in {finding.check for finding in verify(folder).findings}
    with pytest.raises(RollBackNeededError, match="queue_n 8"):
        await started(folder)
    Store(folder).repair(roll_back=True)
    await started(folder)
    assert names(waiting(folder)) == [f"a{n}" for n in range(40) if n != 7]
    with DataFolder(folder).read_queue() as file:
        assert file.place().waiting == 39


async def test_a_lost_outcome_is_a_loss_too(tmp_path):
    """An outcome that was seen is part of what is acknowledged: without it, it would come again."""
    writer = QueueWriter(tmp_path)
    writer.append(action())
    file = tmp_path / "queue.sqlite"
    before = {path: path.read_bytes() for path in tmp_path.glob("queue.sqlite*")}
    [row] = waiting(tmp_path)
    writer.mark([Mark(row[queue.NUMBER], processed(row, outcome="applied"))])
    assert acknowledged.read(file).number == 2
    other = tmp_path / "other"
    other.mkdir()
    for path, content in before.items():
        (other / path.name).write_bytes(content)
    shutil.copy(acknowledged.path_of(file), other)
    (other / "format.json").write_text('{"format": 1}')
    with pytest.raises(RollBackNeededError, match="2 was acknowledged"):
        await started(other)


# -- its bound


def test_a_full_queue_refuses_what_makes_more_to_do(tmp_path):
    """Before anything is written, all of a call or none; what ends or decides something passes."""
    writer = QueueWriter(tmp_path, most=5)
    writer.append(*(action(f"a{n}") for n in range(4)))
    with pytest.raises(QueueFullError, match=r"4 actions wait.*REINS_QUEUE_MAX is 5") as refused:
        writer.append(action("x"), action("y"))
    assert 0 < refused.value.retry_after_s < 60
    writer.append(action("last"))
    with pytest.raises(QueueFullError):
        QueueWriter(tmp_path, most=5).append(action("of another process"))
    assert set(PAYLOADS) > UNBOUNDED
    writer.append(action("p", "agent_pause"), action("d", "agent_destroy"))
    assert len(waiting(tmp_path)) == 7
    mark_all(tmp_path)
    writer.append(action("there is room again"))
    assert names(waiting(tmp_path)) == ["there is room again"]
    assert writer.failures == 0, "to refuse is no failure of the disk"


def test_who_is_refused_does_not_refuse_others_of_the_commit(tmp_path):
    """Threads that share a commit are judged one by one."""
    writer = QueueWriter(tmp_path, most=20)
    at_once, refused = threading.Barrier(8), []

    def append(n):
        at_once.wait()
        try:
            writer.append(*(action(f"{n}-{m}") for m in range(4)))
        except QueueFullError:
            refused.append(n)

    threads = [threading.Thread(target=append, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 3
    there = names(waiting(tmp_path))
    assert len(there) == 20
    assert not {name.split("-")[0] for name in there} & set(map(str, refused))


# -- who hears of what


_ENQUEUES = """
import sys
import queue_imp
from store.queue.writer import QueueWriter
writer = QueueWriter(sys.argv[1])
print("ready")
sys.stdin.readline()
writer.append(queue_imp.create_action("agent_resume", "ann", agent_id="elsewhere"))
print("done")
"""


@pytest.mark.parametrize("of", ["enqueued", "committed"])
def test_a_commit_of_another_process_is_heard_of(tmp_path, of):
    QueueWriter(tmp_path).append(action())
    heard = threading.Event()
    end = queue_watch.watch(tmp_path, heard.set, of)
    process = child(_ENQUEUES, tmp_path)
    process.stdout.readline()
    heard.clear()
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"
    assert heard.wait(30)
    end()
    process.communicate()


def test_a_commit_beside_the_worker_rings_no_bell(tmp_path):
    """It hands its actions over; who looks at the queue hears of it all the same."""
    writer = QueueWriter(tmp_path)
    writer.append(action())
    rung, seen = threading.Event(), threading.Event()
    ends = [
        queue_watch.watch(tmp_path, rung.set, "enqueued"),
        queue_watch.watch(tmp_path, seen.set, "committed"),
    ]
    unlisten = writer.listen(lambda *_: None)
    writer.append(action())
    until(seen.is_set)
    assert not rung.is_set()
    unlisten()
    writer.append(action())
    until(rung.is_set)
    for end in ends:
        end()


@pytest.mark.parametrize(("of", "bell"), [("enqueued", "bells"), ("committed", "bells/committed")])
def test_a_watch_on_the_queue_does_not_hear_the_journal(tmp_path, of, bell):
    """A watch on the data folder wakes three threads for each tick, with twice its CPU."""
    before = watched_inodes()
    end = queue_watch.watch(tmp_path, lambda: None, of)
    inode = (tmp_path / bell).stat().st_ino
    until(lambda: inode in watched_inodes() - before)
    assert tmp_path.stat().st_ino not in watched_inodes() - before
    end()


async def test_an_outcome_is_heard_of(tmp_path):
    """The page shows it without a wait; the worker, who made it, is not woken for it."""
    QueueWriter(tmp_path).append(action())
    rung, seen = threading.Event(), threading.Event()
    ends = [
        queue_watch.watch(tmp_path, rung.set, "enqueued"),
        queue_watch.watch(tmp_path, seen.set, "committed"),
    ]
    await asyncio.to_thread(mark_all, tmp_path)
    until(seen.is_set)
    assert not rung.is_set()
    for end in ends:
        end()


def watched_inodes():
    """Of the files and folders that this process has a watch on."""
    found = set()
    for info in Path("/proc/self/fdinfo").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            watches = re.findall(r"^inotify wd:.* ino:(\w+)", info.read_text(), re.MULTILINE)
            found |= {int(inode, 16) for inode in watches}
    return found


def test_only_an_id_that_was_just_made_is_new(tmp_path):
    """Sent again, or made by its sender, it is looked for in what was processed."""
    writer, heard = QueueWriter(tmp_path), []
    writer.listen(lambda actions, _: heard.extend(each.new for each in actions))
    made = action()
    writer.append(made)
    writer.append(made)
    writer.append(action(action_id="mine"))
    writer.append(action() | {"action_id": "act_0"})
    assert heard == [True, False, False, False]
    child_id = action()["action_id"]
    if (pid := os.fork()) == 0:
        os._exit(new_ids.take(child_id))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert new_ids.take(child_id)


def test_a_commit_waits_for_that_of_another_process(tmp_path, monkeypatch):
    """While another holds the file, and no longer than it may."""
    writer = QueueWriter(tmp_path)
    writer.append(action())
    other = sqlite3.connect(
        tmp_path / "queue.sqlite", isolation_level=None, check_same_thread=False
    )
    other.execute("BEGIN IMMEDIATE")
    ends = threading.Timer(0.3, lambda: other.execute("ROLLBACK"))
    ends.start()
    writer.append(action())
    ends.join()
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("store.queue.file.BUSY_TIMEOUT_S", 0.05)
    with pytest.raises(Exception, match=r"locked.*not acknowledged"):
        writer.append(action())
    other.close()
    assert len(waiting(tmp_path)) == 2


def test_times_and_texts_come_back_as_they_went_in(tmp_path):
    """The row that a listener gets, that of the file and that of a reader are the same."""
    writer, heard = QueueWriter(tmp_path), []
    writer.listen(lambda actions, _: heard.extend(actions))
    text = "nul \x00 'quotes' \" \\ \n \u2028 🐈"
    row = action(guidance=text, kind="agent_interrupt") | {"description": text, "actor": None}
    writer.append(row, action() | {"created_at": None, "urgency": None})
    writer.append(action() | {"created_at": datetime(2026, 1, 1)})  # noqa: DTZ001 - as it may come
    assert [each.row for each in heard][:2] == waiting(tmp_path)[:2]
    assert waiting(tmp_path)[2]["created_at"] == datetime(2026, 1, 1, tzinfo=UTC)
    assert queue_reading.find(Reader(tmp_path), row["action_id"]) == heard[0].row


class Counting:
    """A connection that counts its statements."""

    def __init__(self, real):
        self.real, self.statements = real, []
        self.in_transaction = False

    def execute(self, statement, *given):
        self.statements.append(statement.split(" ", 1)[0])
        return self.real.execute(statement, *given)


def test_a_commit_is_one_step(tmp_path):
    """Each further step would wait for Python's lock once more, also where others commit as well.

    Those who listen are told of a gap where there may be one: the number before is too high then.
    """
    writer = QueueWriter(tmp_path)
    writer.append(action())
    writer._file._connection = counting = Counting(writer._file._connection)
    writer.append(*(action() for _ in range(50)))
    assert counting.statements == ["INSERT"]
    told = []
    writer.listen(lambda actions, before: told.append((actions[0].number, before)))
    writer.append(action())
    QueueWriter(tmp_path).append(action())
    writer.append(action())
    assert counting.statements == ["INSERT"] * 3
    assert told == [(52, 51), (54, 53)]
    numbers = [row[queue.NUMBER] for row in waiting(tmp_path)]
    writer.mark([Mark(each, processed({}, outcome="applied")) for each in numbers])
    assert counting.statements[3:] == ["UPDATE", "SELECT"]
    writer.append(action())
    assert told[2:] == [(109, 54)]
    assert len(waiting(tmp_path)) == 1


def test_what_is_committed_amid_a_read_is_not_read_again(tmp_path, monkeypatch):
    """The number that a reader goes on behind is that of the last action that it was given."""
    writer = QueueWriter(tmp_path)
    writer.append(action("one"))
    place = QueueFile.place

    def placed_then_another(file):
        found = place(file)
        monkeypatch.setattr(QueueFile, "place", place)
        writer.append(action("another"))
        return found

    with DataFolder(tmp_path).read_queue() as file:
        monkeypatch.setattr(QueueFile, "place", placed_then_another)
        found, newest = file.waiting()
        assert names(each.row for each in found) == ["one", "another"]
        assert newest == found[-1].number
        assert file.waiting(newest)[0] == []


def test_counters_that_are_gone_are_said_to_be(tmp_path):
    """Nothing is written then, and nobody waits for ever."""
    writer = QueueWriter(tmp_path)
    writer.append(action())
    with contextlib.closing(sqlite3.connect(tmp_path / "queue.sqlite")) as by_hand:
        by_hand.execute("DELETE FROM place")
        by_hand.commit()
    with pytest.raises(StoreError, match="counters are gone"):
        writer.append(action())


@pytest.mark.parametrize("times", [1, 100, 101, 250])
def test_a_commit_of_many_numbers_them_in_their_order(tmp_path, times):
    """Of several statements, too; what listeners get is what the file has."""
    writer, told = QueueWriter(tmp_path), []
    writer.listen(lambda actions, _: told.extend(actions))
    for _ in range(2):
        writer.append(*(action(f"s{number}") for number in range(times)))
    found = [(row[queue.NUMBER], row["agent_id"]) for row in waiting(tmp_path)]
    assert found == [(each.number, each.row["agent_id"]) for each in told]
    assert [number for number, _ in found] == list(range(1, 2 * times + 1))


def test_a_full_queue_refuses_each_of_a_commit_for_itself(tmp_path):
    """A pause beside them has room all the same, and one call's actions are in or not, all."""
    writer = QueueWriter(tmp_path, most=3)
    asked_for = [
        asked([action("a"), action("b")]),
        asked([action("c"), action("d")]),
        asked([action("e", "agent_pause")]),
    ]
    file = writer._opened()
    file.commit(asked_for, [], 3)
    assert [each.error is None for each in asked_for] == [True, False, True]
    assert names(waiting(tmp_path)) == ["a", "b", "e"]
    pause = asked([action("f", "agent_pause")])
    file.commit([pause], [], 3)
    assert pause.error is None
    assert [each.number for each in pause.numbered] == [4]


# -- into its table


async def test_a_carry_that_is_done_again_adds_no_row_twice(tmp_path, monkeypatch):
    """After its commit, before they leave the file; an adopted one is lost in the table."""
    store = Store(tmp_path, flush_s=600)
    await store.start()
    put_by_hand(tmp_path, action("theirs"))
    store.adopt_actions()
    open_or_make(connect(tmp_path), queue.TABLE).delete("agent_id = 'theirs'")
    writer_at(store.folder).append(action("one"), action("two"))
    await asyncio.to_thread(mark_all, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(QueueWriter, "forget", killed_there)
        with pytest.raises(ZeroDivisionError):
            store._flush.queue.run()
    store._flush.queue.run()
    stored = store.reader.stored(queue.TABLE, None).to_pylist()
    assert sorted(names(stored)) == ["one", "theirs", "two"]
    await store.stop()


def killed_there(*_):
    raise ZeroDivisionError


async def test_an_action_is_carried_whatever_numbers_others_give_out(tmp_path):
    """A helper of the version before counts on its own: its row is not ours."""
    store = Store(tmp_path, flush_s=600)
    await store.start()
    mine = action("mine")
    writer_at(store.folder).append(mine)
    put_by_hand(tmp_path, action("theirs") | {queue.NUMBER: 1})
    assert [row[queue.NUMBER] for row in waiting(tmp_path)] == [1]
    await asyncio.to_thread(mark_all, tmp_path)
    store._flush.queue.run()
    assert queue_reading.find(store.reader, mine["action_id"])["outcome"] == "applied"
    await store.stop()


async def test_an_action_that_is_confirmed_gets_a_number_of_its_own(tmp_path):
    """Sent again, it was found in the table with the number of who wrote it; it is carried."""
    store = Store(tmp_path, flush_s=600)
    await store.start()
    put_by_hand(tmp_path, row := action("theirs") | {queue.NUMBER: 7})
    writer_at(store.folder).confirm(queue_reading.find(store.reader, row["action_id"]))
    await asyncio.to_thread(mark_all, tmp_path)
    store._flush.queue.run()
    assert waiting(tmp_path) == []
    assert queue_reading.find(store.reader, row["action_id"])["outcome"] == "applied"
    await store.stop()


async def test_large_actions_are_read_and_carried_in_parts(tmp_path, monkeypatch):
    """Neither SQLite nor Arrow takes a text of any length."""
    store = Store(tmp_path, flush_s=600)
    await store.start()
    rows = [action(f"a{n}") | {"description": "x" * (n % 7) * 1_000} for n in range(60)]
    writer_at(store.folder).append(*rows)
    with store.folder.read_queue() as file:
        file._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 20_000)
        assert [each.row["agent_id"] for each in file.waiting()[0]] == names(rows)
        assert [each.row["agent_id"] for each in file.matching("n > ?", 10)] == names(rows)[10:]
        file._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 3_000)
        with pytest.raises(sqlite3.DataError, match="too big"):
            file.matching("n = 7")
        file._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 20_000)
    await asyncio.to_thread(mark_all, tmp_path)
    monkeypatch.setattr("store.queue.flush._BATCH_BYTES", 10_000)
    store._flush.queue.run()
    assert sorted(names(store.reader.stored(queue.TABLE, None).to_pylist())) == sorted(names(rows))
    await store.stop()


async def test_the_file_is_small_again_after_a_burst(tmp_path):
    """SQLite keeps the pages of what was deleted; who reads meanwhile delays it, no more."""
    store = Store(tmp_path, flush_s=1_000)
    await store.start()
    writer = writer_at(store.folder)
    for _ in range(4):
        writer.append(*(action(description="x" * 20_000) for _ in range(500)))
    await asyncio.to_thread(mark_all, tmp_path)
    writer.append(action("left"))
    assert size_of_queue(tmp_path) > 40_000_000
    with contextlib.closing(sqlite3.connect(tmp_path / "queue.sqlite")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM action").fetchone()
        store._flush.queue.run()
        assert size_of_queue(tmp_path) > 40_000_000
    store._flush.queue.run()
    assert size_of_queue(tmp_path) < 200_000
    writer.append(action("next"))
    assert names(waiting(tmp_path)) == ["left", "next"]
    assert [row[queue.NUMBER] for row in waiting(tmp_path)] == [4_001, 4_002]
    await store.stop()
    await started(tmp_path)
    assert names(waiting(tmp_path)) == ["left", "next"]


def size_of_queue(folder):
    return sum(
        path.stat().st_size for path in folder.glob("queue.sqlite*") if "shm" not in path.name
    )


async def test_a_commit_that_is_broken_off_leaves_its_threads_in_doubt(tmp_path, monkeypatch):
    """An interrupt may come once it is on disk: who sends it again must know to keep its id."""
    writer = QueueWriter(tmp_path)
    writer.append(action())
    commit = QueueFile.commit

    def interrupted(self, *given):
        commit(self, *given)
        raise KeyboardInterrupt

    def append(*rows):
        try:
            writer.append(*rows)
        except (KeyboardInterrupt, OutcomeUnknownError) as error:
            errors.append(error)

    errors = []
    with writer._alone():  # so that both are in one commit
        monkeypatch.setattr(QueueFile, "commit", interrupted)
        threads = [threading.Thread(target=append, args=(action(n),)) for n in ("one", "two")]
        for thread in threads:
            thread.start()
        until(lambda: len(writer._gathering) == 2)
    for thread in threads:
        thread.join()
    assert {type(error) for error in errors} == {KeyboardInterrupt, OutcomeUnknownError}
    assert len(waiting(tmp_path)) == 3
