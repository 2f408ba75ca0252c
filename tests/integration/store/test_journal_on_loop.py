"""Commits on the loop: of a caller that is alone, and of many of one turn."""

import asyncio
import sqlite3
import threading
import time
from functools import partial

import pytest

from store.errors import FencedError, JournalError
from store.journal import on_loop
from store.journal.file import Record
from store.journal.journal import Journal
from store.journal.log import open_log
from tests.integration.store.test_journal import child, record, rows_of
from tests.support.waiting import until_async


class Watched:
    """A handle of the log that notes in which thread it commits, and may be slow."""

    def __init__(self, log, by, slow_s):
        self._log, self._by, self._slow_s = log, by, slow_s

    def __getattr__(self, name):
        return getattr(self._log, name)

    def append(self, records):
        self._by.append("loop" if threading.current_thread() is threading.main_thread() else "")
        time.sleep(self._slow_s.pop() if self._slow_s else 0)
        return self._log.append(records)


class Held:
    """A writer that keeps what is handed to it."""

    def __init__(self, writer, held):
        self._writer, self.put = writer, held.append

    def __getattr__(self, name):
        return getattr(self._writer, name)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """However busy the machine: what takes no second is quick."""
    monkeypatch.setattr(on_loop, "QUICK_S", 1.0)
    monkeypatch.setattr(on_loop, "_READY_S", 60.0)


@pytest.fixture
def by():
    return []


@pytest.fixture
def slow_s():
    """Seconds that the next commits take longer."""
    return []


@pytest.fixture
async def journal(path, by, slow_s):
    def opened(path, durable, *, waits):
        return Watched(open_log(path, durable, waits=waits), by, slow_s)

    journal = Journal(path, open_log=opened)
    journal.start()
    yield journal
    await journal.stop()


async def test_the_loop_commits_what_comes_alone(journal, by, path):
    """And what comes with others is the writer's; all are counted and told the same way."""
    told = []
    journal.listen(partial(told.append, "committed"))
    for n in range(3):
        await journal.append(record(n))
    assert by == ["loop"] * 3
    await asyncio.gather(*(journal.append(record(n)) for n in range(3, 6)))
    assert "" in by[3:]
    assert "loop" not in by[3:]
    assert rows_of(path) == [(n + 1, n) for n in range(6)]
    assert (journal.rows, journal.pending, journal.failures) == (6, 6, 0)
    await until_async(lambda: len(told) == journal.commits == len(by))
    assert journal.medians()[1] == 1


async def test_what_others_are_ready_for_is_the_writers(journal, by, monkeypatch):
    """Where the loop had other things to do in the meantime, it commits nothing itself."""
    monkeypatch.setattr(on_loop, "_READY_S", 0.0)
    await journal.append(record(1))
    assert by == [""]


async def test_what_is_large_is_the_writers(journal, by):
    await journal.append(record("x" * on_loop._MAX_BYTES))
    assert by == [""]


async def test_many_of_one_turn_are_committed_by_the_loop(journal, by, path, monkeypatch):
    """Whatever else was ready; all of them by one commit, and in order."""
    monkeypatch.setattr(on_loop, "_READY_S", 0.0)
    await asyncio.gather(*(journal.append(record(n)) for n in range(on_loop.MANY)))
    assert by == ["loop"]
    assert rows_of(path) == [(n + 1, n) for n in range(on_loop.MANY)]
    assert (journal.commits, journal.pending) == (1, on_loop.MANY)
    await asyncio.gather(*(journal.append(record(n)) for n in range(on_loop.MANY - 1)))
    assert "loop" not in by[1:]


async def test_a_slow_disk_holds_the_loop_seldom(journal, by, slow_s):
    """Each time that it is slow again, it is left alone for twice as many commits."""
    slow_s.extend([1.1] * on_loop._SLOW)
    for n in range(on_loop._SLOW + on_loop._REST):
        await journal.append(record(n))
    assert by == [*["loop"] * on_loop._SLOW, *[""] * on_loop._REST]
    del by[:]
    slow_s.append(1.1)
    for n in range(2 + 2 * on_loop._REST):
        await journal.append(record(n))
    assert by == ["loop", *[""] * 2 * on_loop._REST, "loop"]


async def test_one_slow_commit_is_not_the_disks(journal, by, slow_s):
    """A thread that the loop waited for may have been the cause."""
    for n in range(6):
        slow_s.append(1.1 if n % 2 else 0)
        await journal.append(record(n))
    assert by == ["loop"] * 6


async def test_a_log_that_another_holds_does_not_hold_the_loop(journal, by, path):
    """The writer waits for it, and the loop goes on."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.ensure_future(journal.append(record(1)))
    await until_async(lambda: by == ["loop", ""])
    assert not waiting.done()
    other.execute("ROLLBACK")
    other.close()
    await asyncio.wait_for(waiting, 20)
    assert rows_of(path) == [(1, 1)]
    assert journal.failures == 0


async def test_what_fails_on_the_loop_is_tried_by_the_writer(journal, by):
    """Which alone says that it failed; the callers are told as always."""
    for handle in (journal._on_loop._log, journal._writer._log):
        handle._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(JournalError, match="could not commit"):
        await journal.append(record(1))
    assert by == ["loop", ""]
    assert journal.failures == 1
    for handle in (journal._on_loop._log, journal._writer._log):
        handle._connection.execute("PRAGMA query_only = OFF")
    await journal.append(record(2))
    assert journal.last_error is None


async def test_a_log_that_has_another_owner_ends_the_journal(journal, by):
    """Also where it is the loop that hears of it first: nobody waits for ever on its own."""

    def fenced(_records):
        by.append("fenced")
        raise FencedError

    journal._on_loop._log.append = journal._writer._log.append = fenced
    waits = asyncio.ensure_future(journal.append(record(1)))
    await until_async(lambda: not journal.running)
    assert by == ["fenced", "fenced"]
    waits.cancel()


async def test_nothing_is_committed_before_what_was_handed_to_the_writer(journal, by, path):
    """Also where the writer has not yet begun with it."""
    writer, held = journal._writer, []
    journal._writer = Held(writer, held)
    first = [journal.append(record(n)) for n in range(2)]
    await until_async(lambda: held)
    last = journal.append(record(2))
    await until_async(lambda: len(held) == 2 or by)
    assert by == []
    journal._writer = writer
    for entries in held:
        writer.put(entries)
    await asyncio.gather(*first, last)
    assert rows_of(path) == [(n + 1, n) for n in range(3)]
    await journal.append(record(3))
    assert by[-1] == "loop"


@pytest.mark.parametrize(("turns", "rows"), [(2_000, 1), (150, 100)])
async def test_sqlites_log_does_not_grow(journal, by, path, turns, rows):
    """The loop never carries it over into the file, and lets the writer often enough."""
    for _ in range(turns):
        await asyncio.gather(*(journal.append(record("x" * 700)) for _ in range(rows)))
    assert by.count("")
    assert by.count("loop") > by.count("")
    assert path.with_name(f"{path.name}-wal").stat().st_size < 3 * on_loop._CARRY_BYTES


_APPEND_ALONE = """
import asyncio, pathlib, sys
from store.journal import on_loop
from store.journal.journal import Journal
from store.journal.file import Record
on_loop.QUICK_S = on_loop._READY_S = 60.0

async def main():
    journal = Journal(pathlib.Path(sys.argv[1]))
    journal.start()
    for n in range(1_000_000):
        await journal.append(Record("messages", b'{"v":%d}' % n))
        print(n)

asyncio.run(main())
"""


def test_what_is_acknowledged_alone_survives_kill_9(path):
    """After kill -9 every row whose append had returned is in the file, in order, once."""
    process = child(_APPEND_ALONE, path)
    said = [process.stdout.readline() for _ in range(600)]
    process.kill()
    out, _ = process.communicate(timeout=20)
    acked = int(("".join(said) + out).rsplit("\n", 1)[0].split("\n")[-1])
    found = [value for _, value in rows_of(path)]
    assert found == list(range(len(found)))
    assert len(found) > acked


def test_records_are_those_of_the_protocol(path):
    """A handle that does not wait is one like any other."""
    log = open_log(path, "power", waits=False)
    assert log.append([Record("messages", b'{"v":1}')]) == 1
    assert log.pending_rows() == 1
    log.close()
