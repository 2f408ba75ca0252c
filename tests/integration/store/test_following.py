"""The feed of what is written: each record once and in order, whatever happens meanwhile."""

import asyncio
import itertools
import random
import shutil
import sqlite3
import threading
import tracemalloc

import orjson
import pytest

from store import agent_state, agent_steps, following, messages
from store.errors import FolderUnusableError
from store.following import Follower
from store.journal import file as journal_file
from store.journal import opening
from store.journal.file import Record
from store.reading import Reader
from store.store import Store
from tests.integration.store.support import child, message, step
from tests.support import data_folder
from tests.support.waiting import until, until_async

TABLES = [agent_steps.TABLE, agent_state.TABLE, messages.TABLE]


def follower(store, *, begun=True):
    made = Follower(Reader(store.folder.path), TABLES)
    if begun:
        made.start()
    return made


def drained(feed):
    """All that came since, in the order in which it came."""
    found, more = feed.poll()
    while more:
        rows, more = feed.poll()
        found += rows
    return found


def seqs(found, session_id="a"):
    return [row["seq"] for table, row in found if row["session_id"] == session_id]


async def test_rows_come_as_they_were_journalled(store):
    """Table, columns and number of each record; nothing from before the start, nothing twice."""
    await store.journal.append(step("before", 1))
    feed = follower(store)
    assert feed.poll() == ([], False)
    await store.journal.append(step("a", 1), message("c", 1, "hello"))
    found, more = feed.poll()
    assert not more
    assert [table for table, _ in found] == ["agent_steps", "messages"]
    assert found[0][1] == {**orjson.loads(step("a", 1).body), "journal_n": 2}
    assert found[1][1] == {**orjson.loads(message("c", 1, "hello").body), "journal_n": 3}
    assert feed.poll() == ([], False)


async def test_a_row_from_the_tables_is_the_same_row(tmp_path):
    """Read before the flush or after it, a record is the same."""
    store = Store(tmp_path / "data", flush_s=0.05)
    await store.start()
    early, late = follower(store), follower(store)
    await store.journal.append(step("a", 1), message("c", 1, "hello"))
    before = drained(early)
    await until_async(lambda: not store.journal.pending)
    assert drained(late) == before
    assert len(before) == 2
    await store.stop()


@pytest.mark.parametrize("wait_s", [0.0, 0.02, 0.3])
async def test_a_follower_gets_each_row_of_a_writer_at_full_speed(store, wait_s):
    """Ten sessions write as fast as they can while a follower polls, often or more rarely than the
    flush: each row once, in order, of each session and of all together.
    """
    feed, found = follower(store), []
    ended = asyncio.Event()

    async def follow():
        while not ended.is_set() or feed.position < 3_000:
            found.extend((await asyncio.to_thread(feed.poll))[0])
            await asyncio.sleep(wait_s)

    async def write(session_id):
        for seq in range(1, 301):
            await store.journal.append(step(session_id, seq))
            if not seq % 50:
                await asyncio.sleep(0.05)

    following_it = asyncio.create_task(follow())
    await asyncio.gather(*(write(f"s{n}") for n in range(10)))
    ended.set()
    await asyncio.wait_for(following_it, 30)
    assert [row["journal_n"] for _, row in found] == list(range(1, 3_001))
    for n in range(10):
        assert seqs(found, f"s{n}") == list(range(1, 301))


async def test_a_commit_between_two_reads_of_one_poll(store, monkeypatch):
    """Rows that are committed or flushed while a poll reads the file are not lost."""
    feed = follower(store)
    real = opening.newest_number
    loop, written = asyncio.get_running_loop(), itertools.count(1)

    async def commit():
        await store.journal.append(step("a", next(written)))

    def newest_number(connection, *layout):
        number = real(connection, *layout)
        if threading.current_thread().name != "flush":  # it looks too, and none waits for it
            asyncio.run_coroutine_threadsafe(commit(), loop).result(10)
        return number

    monkeypatch.setattr(opening, "newest_number", newest_number)
    found = []
    for _ in range(5):
        found += (await asyncio.to_thread(feed.poll))[0]
    monkeypatch.undo()
    found += drained(feed)
    assert seqs(found) == list(range(1, next(written)))


async def test_a_large_backlog_comes_in_parts(store, monkeypatch):
    """Flushed or not, a poll brings a bounded part of it, and says that there is more."""
    monkeypatch.setattr(following, "_BATCH", 100)
    monkeypatch.setattr(following, "_FEW", 70)
    feed = follower(store)
    for start in range(1, 1_001, 50):
        await store.journal.append(*(step("a", seq) for seq in range(start, start + 50)))
    await until_async(lambda: store.journal.pending == 0)
    await store.journal.append(*(step("a", seq) for seq in range(1_001, 1_051)))
    found, sizes, more = [], [], True
    while more:
        rows, more = feed.poll()
        sizes.append(len(rows))
        found += rows
    assert seqs(found) == list(range(1, 1_051))
    assert max(sizes) <= 100 + 70
    assert len(sizes) > 10


async def test_memory_stays_bounded(tmp_path, monkeypatch):
    """A backlog of 60 MB, half of it flushed, is read within a few MB."""
    monkeypatch.setattr(following, "_BATCH_BYTES", 1 << 20)
    monkeypatch.setattr(following, "_FEW", 100)
    store = Store(tmp_path / "data", flush_s=0.05)
    await store.start()
    feed = follower(store)
    text = "x" * 10_000
    for start in range(1, 3_001, 100):
        await store.journal.append(*(step("a", n, text=text) for n in range(start, start + 100)))
    await until_async(lambda: not store.journal.pending)
    await store.stop()
    connection = sqlite3.connect(tmp_path / "data" / "journal.sqlite", isolation_level=None)
    for start in range(3_001, 6_001, 10):  # as a writer whose flush hangs leaves them
        records = [step("a", n, text=text) for n in range(start, start + 10)]
        journal_file.append(connection, records)
    connection.close()
    tracemalloc.start()
    expected = 1
    more = True
    while more:
        found, more = feed.poll()
        for _, row in found:
            assert row["seq"] == expected
            expected += 1
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert expected == 6_001
    assert peak_bytes < 8 << 20


async def test_across_a_restart_of_the_worker(tmp_path):
    """Rows written before and after it, flushed at its end or at its start, come once."""
    feed, found = None, []
    for turn in range(4):
        store = Store(tmp_path / "data", flush_s=0.02 if turn % 2 else 60.0)
        await store.start()
        feed = feed or follower(store)
        for seq in range(turn * 50 + 1, turn * 50 + 51):
            await store.journal.append(step("a", seq))
            if seq % 20 == 0:
                found += drained(feed)
        await store.stop()
    found += drained(feed)
    assert seqs(found) == list(range(1, 201))
    assert feed.replaced == 0


def test_across_a_kill_from_another_process(tmp_path):
    """A worker that is killed while it writes and flushes: what it acknowledged comes once."""
    code = """
    import asyncio, sys
    from store.store import Store
    from tests.integration.store.support import step

    async def write():
        store = Store(sys.argv[1], flush_s=0.02)
        await store.start()
        for seq in range(int(sys.argv[2]), 1_000_000):
            await store.journal.append(step("a", seq))
            print(seq)
    asyncio.run(write())
    """
    feed = Follower(Reader(tmp_path / "data"), TABLES)
    feed.start()
    found = []
    for _ in range(2):
        begun = len(found)
        worker = child(code, tmp_path / "data", begun + 1)

        while len(found) < begun + 300:
            assert worker.poll() is None
            found += drained(feed)
        worker.kill()
        printed = worker.communicate()[0].splitlines()
        acknowledged = [int(line) for line in printed if line.isdigit()][-1]
        found += drained(feed)
        assert len(found) >= acknowledged - 1  # its last line may be cut
    assert seqs(found) == list(range(1, len(found) + 1))
    assert feed.replaced == 0
    data_folder.stored(tmp_path / "data")


def test_a_journal_that_does_not_exist_yet(tmp_path):
    """Nothing is there, and nothing is made by looking; then all of it comes."""
    folder = tmp_path / "data"
    feed = Follower(Reader(folder), TABLES)
    feed.start()
    assert feed.poll() == ([], False)
    assert not folder.exists()
    folder.mkdir()
    (folder / "journal.sqlite").touch()  # as its writer finds it at first
    assert feed.poll() == ([], False)
    connection = opening.open_for_writing(folder / "journal.sqlite", "power")
    assert feed.poll() == ([], False)
    journal_file.append(connection, [step("a", 1)])
    assert seqs(drained(feed)) == [1]
    connection.close()


def test_a_journal_that_is_damaged(tmp_path):
    """A clear error that names the file; the next poll may find it mended."""
    (tmp_path / "journal.sqlite").write_bytes(b"no database" * 1_000)
    feed = Follower(Reader(tmp_path), TABLES)
    with pytest.raises(FolderUnusableError, match=r"journal\.sqlite is damaged"):
        feed.poll()
    (tmp_path / "journal.sqlite").unlink()
    connection = opening.open_for_writing(tmp_path / "journal.sqlite", "power")
    journal_file.append(connection, [step("a", 1)])
    connection.close()
    assert seqs(drained(feed)) == [1]


def test_readers_while_a_journal_is_made(tmp_path):
    """A reader beside a writer that makes its file finds all of it or nothing."""
    code = """
    import sys
    from pathlib import Path
    from store.journal import file as journal_file
    from store.journal import opening
    from tests.integration.store.support import step

    for n in range(60):
        folder = Path(sys.argv[1]) / str(n)
        folder.mkdir()
        connection = opening.open_for_writing(folder / "journal.sqlite", "process")
        journal_file.append(connection, [step("a", 1)])
        connection.close()
    """
    writer = child(code, tmp_path)
    for n in range(60):
        feed = Follower(Reader(tmp_path / str(n)), TABLES)
        found = []
        until(lambda feed=feed, found=found: found.extend(drained(feed)) or found)
        assert seqs(found) == [1]
    assert writer.wait(30) == 0
    writer.communicate()


async def test_a_folder_that_was_replaced(tmp_path):
    """The rows of the folder that took its place come from its first on, flushed or not."""
    feed = Follower(Reader(tmp_path / "data"), TABLES)
    found = []
    for turn, rows in enumerate([30, 10, 50]):
        store = Store(tmp_path / "data", flush_s=0.05)
        await store.start()
        await store.journal.append(*(step(f"s{turn}", n, text="old") for n in range(1, rows + 1)))
        await until_async(lambda store=store: not store.journal.pending)
        await store.journal.append(step(f"s{turn}", rows + 1))
        found += drained(feed)
        assert seqs(found, f"s{turn}") == list(range(1, rows + 2))
        assert feed.replaced == turn
        await store.stop()
        shutil.rmtree(tmp_path / "data")


async def test_a_start_while_the_folder_is_away(tmp_path):
    """The folder that then takes its place is another one all the same."""
    feed = Follower(Reader(tmp_path / "data"), TABLES)
    for rows in (30, 40):
        store = Store(tmp_path / "data")
        await store.start()
        feed.start()
        await store.journal.append(*(step("a", n) for n in range(1, rows)))
        drained(feed)
        await store.stop()
        shutil.rmtree(tmp_path / "data")
        feed.start()
        assert feed.poll() == ([], False)
    assert feed.replaced == 0  # each start was told what there is
    store = Store(tmp_path / "data")
    await store.start()
    await store.journal.append(step("a", 1))
    assert seqs(drained(feed)) == [1]
    assert feed.replaced == 1
    await store.stop()


async def test_rows_flushed_within_a_poll_come_once(store, monkeypatch):
    """Rows that are flushed and forgotten between two queries of one poll come once."""
    feed = follower(store)
    await store.journal.append(step("a", 1), step("a", 2))
    real, turns = journal_file._joined, []

    def joined(*given):
        if not turns and threading.current_thread().name != "flush":
            turns.append(1)
            until(lambda: not store.journal.pending)
        return real(*given)

    monkeypatch.setattr(journal_file, "_joined", joined)
    found, _ = await asyncio.to_thread(feed.poll)
    found += drained(feed)
    assert seqs(found) == [1, 2]
    assert turns


async def test_a_commit_of_any_process_is_noticed(store):
    """True for each commit, by whichever process; false for looking and while nothing happens."""
    feed = follower(store)
    feed.touched()
    assert not feed.touched()
    feed.poll()
    Reader(store.folder.path).stored(agent_steps.TABLE, None)
    assert not feed.touched()
    for seq in range(1, 21):
        await store.journal.append(step("a", seq))
        await until_async(feed.touched, "the commit is noticed")
    await until_async(lambda: store.journal.pending == 0)
    await until_async(lambda: not feed.touched())
    Reader(store.folder.path).append(lambda: message("c", 1, "from beside"))
    await until_async(feed.touched, "the commit is noticed")


async def test_touched_does_not_wake_itself_without_a_worker(tmp_path):
    """Polls of a folder that nobody writes to are no commits."""
    store = Store(tmp_path / "data")
    await store.start()
    await store.journal.append(step("a", 1))
    await store.stop()
    feed = follower(store)
    feed.touched()
    for _ in range(5):
        feed.poll()
        assert not feed.touched()


async def test_states_written_by_hand(store):
    """A state written by hand comes once; those that the flush makes from the log do not."""
    feed = follower(store)
    await store.journal.append(step("a", 1))
    row = {name: None for name in agent_state.TABLE.schema.names if name != "journal_n"}
    by_hand = {**row, "agent_id": "b", "session_id": "b", "status": "stopped", "iteration": 0}
    await store.journal.append(Record("agent_state", orjson.dumps(by_hand)))
    await until_async(lambda: not store.journal.pending)
    found = drained(feed)
    assert [(table, row["session_id"]) for table, row in found] == [
        ("agent_steps", "a"),
        ("agent_state", "b"),
    ]


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_of_what_may_happen(tmp_path, monkeypatch, seed):
    """Commits of any size, flushes, polls, restarts, in any order: each record once, in order."""
    rng = random.Random(seed)
    monkeypatch.setattr(following, "_BATCH", rng.choice([1, 7, 5_000]))
    monkeypatch.setattr(following, "_FEW", rng.choice([13, 60, 2_000]))
    store = Store(tmp_path / "data", flush_s=rng.choice([0.01, 60.0]))
    await store.start()
    feeds = [(follower(store), []) for _ in range(3)]
    seq = 0
    for _ in range(60):
        match rng.choice(["write", "write", "poll", "poll", "flush", "restart"]):
            case "write":
                rows = [step("a", n) for n in range(seq + 1, seq + 1 + rng.randint(1, 40))]
                seq += len(rows)
                await store.journal.append(*rows)
            case "poll":
                feed, found = rng.choice(feeds)
                found += (await asyncio.to_thread(feed.poll))[0]
            case "flush":
                store._flush.wake()
            case "restart" if rng.random() < 0.2:
                await store.stop()
                store = Store(tmp_path / "data", flush_s=rng.choice([0.01, 60.0]))
                await store.start()
    for feed, found in feeds:
        rows = found + drained(feed)
        assert [row["journal_n"] for _, row in rows] == list(range(1, seq + 1))
    await store.stop()
