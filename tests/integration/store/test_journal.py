"""The journal against its file: what it acknowledges is there, in order, once."""

import asyncio
import os
import random
import signal
import sqlite3

import orjson
import pytest
from structlog.testing import capture_logs

from store.errors import FolderUnusableError, JournalError
from store.journal import file as journal_file
from store.journal import opening
from store.journal.file import Record
from store.journal.journal import Journal
from store.journal.reading import open_for_reading
from tests.integration.store.support import child, lines_of
from tests.support.waiting import until_async


def record(value, table="messages"):
    return Record(table, orjson.dumps({"v": value}))


def rows_of(path, table="messages"):
    """(number, value) of each row that is in the file."""
    with open_for_reading(path) as log:
        pending = [] if log is None else [*log.pending(table)]
    return [(number, orjson.loads(line)["v"]) for number, line in pending]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"


@pytest.fixture
async def journal(path):
    journal = Journal(path)
    journal.start()
    yield journal
    await journal.stop()


async def forget_all(journal, path):
    groups, more = journal_file.groups(sqlite3.connect(path))
    assert not more
    await asyncio.to_thread(journal.forget, groups, {}, {})
    return groups


async def test_many_appends_share_a_commit(journal, path):
    """A thousand appends at once take a small number of commits, and every row is in."""
    await asyncio.gather(*(journal.append(record(n)) for n in range(1_000)))
    assert journal.commits < 50
    assert journal.rows == 1_000
    assert sorted(value for _, value in rows_of(path)) == list(range(1_000))


async def test_order_and_numbers(journal, path):
    """Rows keep the order of their submission, numbered from 1 without gaps."""
    waits = [asyncio.ensure_future(journal.append(record(n))) for n in range(500)]
    await asyncio.gather(*waits)
    assert rows_of(path) == [(n + 1, n) for n in range(500)]


async def test_records_of_one_append_are_all_in_or_none(path):
    """Several records of one append are one commit, also over several tables."""
    journal = Journal(path)
    journal.start()
    await journal.append(record(1), record(2, "agents_config"), record(3))
    assert [value for _, value in rows_of(path)] == [1, 3]
    assert [value for _, value in rows_of(path, "agents_config")] == [2]
    _forbid_growth(journal)
    big = "x" * 400_000
    with pytest.raises(JournalError):
        await journal.append(record(big, "agents_config"), record(big), record("small"))
    assert [value for _, value in rows_of(path)] == [1, 3]
    assert [value for _, value in rows_of(path, "agents_config")] == [2]
    await journal.stop()


async def test_numbers_are_not_used_twice(path):
    """Numbers go on after a flush and after a restart, without gap or repetition."""
    seen = []
    for _ in range(3):
        journal = Journal(path)
        journal.start()
        for _ in range(2):
            await journal.append(record("a"), record("b"))
            seen += [number for number, _ in rows_of(path)]
            await forget_all(journal, path)
        await journal.stop()
    assert seen == list(range(1, 13))


async def test_a_lost_journal_does_not_repeat_the_tables_numbers(path):
    """`raise_flushed` keeps a new journal from giving out what the tables hold."""
    connection = opening.open_for_writing(path, "power")
    journal_file.raise_flushed(connection, 41)
    journal_file.append(connection, [record("next")])
    connection.close()
    assert rows_of(path) == [(42, "next")]


def _forbid_growth(journal, pages=0):
    """Make SQLite itself refuse: the file may not grow."""

    def work(log):
        connection = log._connection
        (count,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {count + pages}")

    journal.call(work)


async def test_a_failed_commit_is_told_to_all_and_a_later_one_works(journal):
    """Each caller in a commit that fails is told; once there is room, appends work again."""
    await journal.append(record("first"))
    _forbid_growth(journal)
    big = "x" * 200_000
    with capture_logs() as logs:
        waits = [asyncio.ensure_future(journal.append(record(big))) for _ in range(5)]
        results = await asyncio.gather(*waits, return_exceptions=True)
    assert all(isinstance(result, JournalError) for result in results), results
    assert "full" in str(results[0])
    assert logs[0]["event"] == "journal commit failed"
    journal.call(lambda log: log._connection.execute("PRAGMA max_page_count = 1000000"))
    await journal.append(record(big))
    assert journal.pending == 2


async def test_a_commit_that_fails_at_its_end_blocks_none_after_it(path):
    """A COMMIT that fails leaves no transaction open: the next append works.

    A deferred foreign key is checked by SQLite at the COMMIT itself.
    """
    connection = opening.open_for_writing(path, "power")
    connection.executescript(
        "PRAGMA foreign_keys = ON; CREATE TABLE p (id INTEGER PRIMARY KEY);"
        "CREATE TABLE c (p INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED);"
        "CREATE TRIGGER t AFTER INSERT ON record_group WHEN new.tbl = 'bad'"
        " BEGIN INSERT INTO c VALUES (7); END;"
    )
    with pytest.raises(JournalError):
        journal_file.append(connection, [record(1), record(2, "bad")])
    journal_file.append(connection, [record(3), record(4, "good")])
    connection.close()
    assert [value for _, value in rows_of(path)] == [3]


_WRITE_UNTIL_FULL = """
import asyncio, pathlib, resource, signal, sys
from store.journal.journal import Journal
from store.journal.file import Record
from store.errors import JournalError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

async def main():
    journal = Journal(pathlib.Path(sys.argv[1]))
    journal.start()
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
    for n in range(1_000):
        try:
            await journal.append(Record("messages", b'{"v":%d,"x":"%s"}' % (n, b"y" * 5_000)))
        except JournalError:
            break
        print(n)
    else:
        raise SystemExit("it never failed")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await journal.append(Record("messages", b'{"v":-1}'))
    print(-1)
    await journal.stop()

asyncio.run(main())
"""


def test_a_full_disk_fails_an_append_and_loses_nothing(path):
    """Where the file system refuses more, the append fails, loses nothing, and works later."""
    [printed] = lines_of(child(_WRITE_UNTIL_FULL, path))
    acked = [int(line) for line in printed if line.lstrip("-").isdigit()]
    assert acked[-1] == -1
    assert len(acked) > 10
    assert [value for _, value in rows_of(path)] == acked


_APPEND_FOR_EVER = """
import asyncio, pathlib, sys
from store.journal.journal import Journal
from store.journal.file import Record

async def main():
    journal = Journal(pathlib.Path(sys.argv[1]), durable=sys.argv[2])
    journal.start()
    async def session(s):
        for n in range(1_000_000):
            await journal.append(Record("messages", b'{"v":"%d-%d"}' % (s, n)))
            print(f"{s}-{n}")
    await asyncio.gather(*(session(s) for s in range(int(sys.argv[3]))))

asyncio.run(main())
"""


@pytest.mark.parametrize(("durable", "sessions"), [("power", 8), ("power", 40), ("process", 8)])
def test_what_is_acknowledged_survives_kill_9(path, durable, sessions):
    """After kill -9 every row whose append had returned is in the file, in order, once.

    Few of one turn are committed by the writer, many by the loop.
    """
    acked = 0
    for trial in range(2):
        part = path.with_name(f"{durable}-{trial}.sqlite")
        process = child(_APPEND_FOR_EVER, part, durable, sessions)
        said = [process.stdout.readline() for _ in range(random.randint(20, 400))]
        process.send_signal(signal.SIGKILL)
        out, _ = process.communicate(timeout=20)
        printed = ("".join(said) + out).rsplit("\n", 1)[0].split("\n")
        found = rows_of(part)
        assert set(printed) <= {value for _, value in found}
        assert [number for number, _ in found] == list(range(1, len(found) + 1))
        assert len({value for _, value in found}) == len(found)
        acked += len(printed)
    assert acked > 40


async def test_append_waits_for_room(path):
    """With `max_pending` rows pending an append waits, asks for a flush, and goes on after it."""
    journal = Journal(path, max_pending=10)
    journal.start()
    asked = []
    journal.on_pending = asked.append
    await journal.append(*(record(n) for n in range(10)))
    waits = [asyncio.ensure_future(journal.append(record(n))) for n in (10, 11)]
    await until_async(lambda: asked.count(10) >= 2)
    assert not any(wait.done() for wait in waits)
    await forget_all(journal, path)
    await asyncio.wait_for(asyncio.gather(*waits), 10)
    assert sorted(value for _, value in rows_of(path)) == [10, 11]
    await journal.stop()


async def test_rows_of_other_processes_keep_the_count_right(journal, path):
    """Rows of others are flushed too; the count of what is pending never drifts from it."""
    await journal.append(record("mine"))
    connection = opening.open_for_writing(path, "power")
    journal_file.append(connection, [record(n) for n in range(7)])
    await forget_all(journal, path)
    assert journal.pending == 0
    journal_file.append(connection, [record("theirs")])
    connection.close()
    await journal.append(record("mine again"))
    await forget_all(journal, path)
    assert journal.pending == 0


async def test_a_stop_before_the_start_and_twice_does_nothing(path):
    """Stop before start and a second stop do nothing; a second start is an error; after the stop
    appends are refused and what was submitted before it is in."""
    idle = Journal(path)
    await idle.stop()
    journal = Journal(path)
    journal.start()
    with pytest.raises(RuntimeError, match="twice"):
        journal.start()
    before = asyncio.ensure_future(journal.append(record("before")))
    await asyncio.sleep(0)
    stopping = asyncio.ensure_future(journal.stop())
    await asyncio.sleep(0)
    with pytest.raises(JournalError, match="not running"):
        await asyncio.wait_for(journal.append(record("after")), 5)
    await asyncio.wait_for(before, 5)
    await stopping
    await journal.stop()
    assert not journal.running
    with pytest.raises(JournalError, match="not running"):
        await journal.append(record("after"))
    assert [value for _, value in rows_of(path)] == ["before"]


async def test_stop_ends_what_waits_for_room(path):
    """An append that waits for room when the journal stops is refused, not left to wait."""
    journal = Journal(path, max_pending=1)
    journal.start()
    await journal.append(record(1))
    waiting = asyncio.ensure_future(journal.append(record(2)))
    await asyncio.sleep(0)
    await journal.stop()
    with pytest.raises(JournalError):
        await asyncio.wait_for(waiting, 5)


async def test_a_cancelled_caller_disturbs_nobody(journal, path):
    """A caller that is cancelled while its row is under way: the others of its commit are told."""
    waits = [asyncio.ensure_future(journal.append(record(n))) for n in range(10)]
    await asyncio.sleep(0)
    waits[3].cancel()
    results = await asyncio.gather(*waits, return_exceptions=True)
    assert [n for n, result in enumerate(results) if result is not None] == [3]
    assert len(rows_of(path)) == 10


_APPEND_BESIDE = """
import pathlib, sys
from store.journal import file as journal_file
from store.journal import opening
from store.journal.file import Record
for n in range(100):
    connection = opening.open_for_writing(pathlib.Path(sys.argv[1]), "power")
    body = b'{"v":"%s-%d"}' % (sys.argv[2].encode(), n)
    journal_file.append(connection, [Record("messages", body)])
    connection.close()
"""


async def test_what_several_processes_append_at_once_is_all_there(path):
    """Three processes that open a new journal and append at once, beside a writer: nothing is
    lost, no number is used twice, and each one's order holds."""
    others = [child(_APPEND_BESIDE, path, name) for name in "abc"]
    journal = Journal(path)
    journal.start()
    for n in range(300):
        await journal.append(record(f"w-{n}"))
    await asyncio.to_thread(lines_of, *others)
    await journal.stop()
    found = rows_of(path)
    assert [number for number, _ in found] == list(range(1, 601))
    for name, count in (("w", 300), ("a", 100), ("b", 100), ("c", 100)):
        mine = [value for _, value in found if value.startswith(f"{name}-")]
        assert mine == [f"{name}-{n}" for n in range(count)]


def test_a_new_journal_opens_in_many_processes_at_once(tmp_path):
    """Many at once may be the first to open a journal: each gets it, and its row is in."""
    code = """
    import pathlib, sys
    from store.journal import file as journal_file
    from store.journal import opening
    from store.journal.file import Record
    print("ready")
    sys.stdin.readline()
    for n in range(10):
        connection = opening.open_for_writing(pathlib.Path(f"{sys.argv[1]}/{n}"), "power")
        journal_file.append(connection, [Record("messages", b'{"v":1}')])
        connection.close()
    """
    children = [child(code, tmp_path) for _ in range(4)]
    for process in children:
        process.stdout.readline()
    for process in children:
        process.stdin.write("\n")
        process.stdin.flush()
    lines_of(*children)
    assert [len(rows_of(tmp_path / str(n))) for n in range(10)] == [4] * 10


def open_and_check(path):
    connection = opening.open_for_writing(path, "power")
    try:
        opening.check(connection, path)
    finally:
        connection.close()


@pytest.mark.parametrize("damage", ["garbage", "pages", "truncated"])
def test_a_damaged_journal_is_refused(path, damage):
    """A journal that cannot be read gives one error that names the file and what to do."""
    connection = opening.open_for_writing(path, "power")
    for n in range(200):
        journal_file.append(connection, [record("x" * 2_000 + str(n))])
    connection.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        if damage == "garbage":
            file.write(os.urandom(4096))
        elif damage == "pages":
            file.seek(size // 2)
            file.write(os.urandom(size // 3))
        else:
            file.truncate(size // 2)
    with pytest.raises(FolderUnusableError, match=r"journal\.sqlite") as caught:
        open_and_check(path)
    assert "move it aside" in str(caught.value)


async def test_a_group_is_bounded_by_its_size(journal, path):
    """Forty rows of 1 MB at once are written in several commits, not in one that is too large."""
    big = "x" * 1_000_000
    await asyncio.gather(*(journal.append(record(big)) for _ in range(40)))
    assert len(rows_of(path)) == 40
    assert journal.commits >= 2
    found, more = journal_file.groups(sqlite3.connect(path), size_bytes=1)
    assert len(found) == 1
    assert more


async def test_the_newest_commits_are_measured(journal):
    """Medians of their time and rows; none before the first."""
    assert journal.medians() is None
    for _ in range(3):
        await journal.append(record(1), record(2))
    took_ms, rows = journal.medians()
    assert 0 < took_ms < 10_000
    assert rows == 2
