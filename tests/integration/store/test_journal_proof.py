"""The journal's end is proven: damage is said with numbers, and an honest crash is no damage."""

import asyncio
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from store import agent_state, agent_steps
from store.errors import FolderUnusableError, JournalError, RollBackNeededError
from store.journal import acknowledged, opening, wal
from store.journal import file as journal_file
from store.journal.inspection import inspected
from store.journal.opening import open_for_writing
from store.journal.proof import prove
from store.journal.reading import open_for_reading
from store.lance import damage
from store.reading import Reader
from store.store import Store
from tests.integration.store.support import ROOT, step
from tests.support.waiting import until_async

ROWS = 60
PAGE_BYTES = 8192
KILLED = """
import asyncio, os, sys
from store.store import Store
from tests.integration.store.support import step

async def work():
    store = Store(sys.argv[1], flush_s=1_000, durable=sys.argv[2])
    await store.start()
    for n in range(1, int(sys.argv[3]) + 1):
        await store.journal.append(step("s", n))
    os._exit(9)

asyncio.run(work())
"""


def kill(folder, durable="power", rows=ROWS):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, folder, durable, str(rows)], cwd=ROOT, check=False
    )
    assert done.returncode == 9


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Sixty rows in the journal of a worker that was killed."""
    folder = tmp_path_factory.mktemp("killed") / "data"
    kill(folder)
    return folder


@pytest.fixture
def folder(killed, tmp_path):
    return shutil.copytree(killed, tmp_path / "data")


@pytest.fixture
def journal(folder):
    return folder / "journal.sqlite"


async def started(folder, **options):
    store = Store(folder, flush_s=0.02, **options)
    with capture_logs() as logs:
        await store.start()
    await until_async(lambda: store.journal.pending == 0)
    await store.stop()
    return [line for line in logs if line["log_level"] in ("warning", "error")]


def seqs(folder):
    return [row["seq"] for row in agent_steps.list_steps("s", store=Reader(folder))]


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)


async def test_a_kill_is_no_damage(folder):
    assert prove(folder / "journal.sqlite").lacking is None
    assert await started(folder) == []
    assert seqs(folder) == list(range(1, ROWS + 1))


@pytest.mark.parametrize("part", [0.0, 0.05, 0.3, 0.6, 0.9, 0.999])
async def test_one_bit_of_the_log(folder, journal, part):
    """Anywhere in it, the header and the last commit too: refused, with numbers, untouched."""
    log = wal.log_of(journal)
    size = log.stat().st_size
    flip(log, min(size - 1, int(size * part) + 24))
    before = log.read_bytes(), journal.read_bytes()
    with pytest.raises(RollBackNeededError, match=rf"journal_n (\d+-)?{ROWS}.*--roll-back"):
        await started(folder)
    assert (log.read_bytes(), journal.read_bytes()) == before
    with pytest.raises(RollBackNeededError):
        await started(folder)


@pytest.mark.parametrize("names", [["-wal"], ["-wal", "-shm"], ["", "-wal", "-shm"]])
async def test_a_file_of_the_journal_is_not_there(folder, names):
    for name in names:
        (folder / f"journal.sqlite{name}").unlink()
    with pytest.raises(RollBackNeededError, match=f"journal_n 1-{ROWS}"):
        await started(folder)


async def test_a_log_that_was_cut(folder, journal):
    os.truncate(wal.log_of(journal), wal.log_of(journal).stat().st_size // 2)
    with pytest.raises(RollBackNeededError, match=rf"journal_n \d+-{ROWS}"):
        await started(folder)


async def test_a_person_may_go_on_without_what_is_lost(folder, journal):
    """The numbers are kept and never given out again, and the session is held."""
    os.truncate(wal.log_of(journal), wal.log_of(journal).stat().st_size // 2)
    Store(folder).repair(roll_back=True)
    [lost] = damage.missing(folder)
    left = len(seqs(folder)) - 1  # the last row says that it is held
    assert lost.journal_n == ((left + 1, ROWS),)
    await started(folder)
    rows = agent_steps.list_steps("s", store=Reader(folder))
    assert rows[-1]["text"].startswith("paused: rows that came after")
    assert rows[-1]["journal_n"] == ROWS + 1
    assert agent_state.get_agent_state("s", store=Reader(folder))["status"] == "paused"
    assert await started(folder) == []


async def test_nobody_appends_behind_a_lost_end(folder, journal):
    """A process beside the worker would give out the lost numbers again: it is refused."""
    wal.log_of(journal).unlink()
    with pytest.raises(FolderUnusableError, match=f"and {ROWS} was acknowledged. Start the worker"):
        agent_state.upsert_agent_state("s", result="x", store=Reader(folder))


async def test_a_lost_journal_whose_rows_are_in_the_tables(tmp_path):
    """Nothing is lost then: the start says that it was gone, and goes on with higher numbers."""
    store = Store(tmp_path, flush_s=0.02)
    await store.start()
    await store.journal.append(step("s", 1), step("s", 2))
    await store.stop()
    for path in tmp_path.glob("journal.sqlite*"):
        path.unlink()
    [said] = await started(tmp_path)
    assert said["event"] == "the journal lacks rows; the tables have them all"
    store = Store(tmp_path, flush_s=0.02)
    await store.start()
    await store.journal.append(step("s", 3))
    await store.stop()
    rows = agent_steps.list_steps("s", store=Reader(tmp_path))
    assert [row["journal_n"] for row in rows] == [1, 2, 3]


async def test_a_journal_of_before_the_note(folder, journal):
    """An older folder has none: it opens, and has one from its first commit on."""
    acknowledged.path_of(journal).unlink()
    assert await started(folder) == []
    assert acknowledged.read(journal) is None
    store = Store(folder)
    await store.start()
    await store.journal.append(step("s", ROWS + 1))
    await store.stop()
    assert acknowledged.read(journal).number == ROWS + 1


@pytest.mark.parametrize("content", [b"", bytes(60), b"x" * 60, b"x"])
async def test_a_note_that_does_not_read_proves_nothing(folder, journal, content):
    acknowledged.path_of(journal).write_bytes(content)
    assert {line["event"] for line in await started(folder)} <= {"a note does not read"}
    assert seqs(folder) == list(range(1, ROWS + 1))


def note(journal, number, durable="power", boot=None):
    with closing(acknowledged.Note(journal, durable)) as written:
        if boot is not None:
            written._boot = boot
        written.write(number)


async def test_a_note_behind_the_journal_is_what_a_kill_leaves(folder, journal):
    """Killed between the commit and the note, or the note's page lost with the power."""
    note(journal, ROWS - 7)
    assert await started(folder) == []


async def test_less_durable_rows_may_go_with_the_power(folder, journal):
    """With REINS_DURABLE=process a loss of power takes rows: no damage. A kill takes none."""
    wal.log_of(journal).unlink()
    note(journal, ROWS, "process", b"another run of the machine")
    assert await started(folder) == []
    note(journal, ROWS, "process")
    with pytest.raises(RollBackNeededError):
        await started(folder)


def frames(path):
    return (path.stat().st_size - 32) // (24 + PAGE_BYTES)


async def test_a_torn_newest_commit_is_no_damage(folder, journal):
    """Power lost before the newest commit was synced, any of its frames written or not, in any
    order: it was not acknowledged, and nothing is said."""
    log = wal.log_of(journal)
    before = frames(log)
    with closing(sqlite3.connect(journal, isolation_level=None)) as connection:
        beside = sqlite3.connect(journal)  # so that closing does not empty the log
        beside.execute("SELECT count(*) FROM record_group").fetchone()
        body = b"x" * 40_000
        connection.execute(
            "INSERT INTO record_group (first, rows, tbl, body) VALUES (1000, 1, 'agent_steps', ?)",
            (body,),
        )
        whole = log.read_bytes()
        base = journal.read_bytes()
    beside.close()
    count = (len(whole) - 32) // (24 + PAGE_BYTES)
    assert count - before > 3
    chance = random.Random(4)
    for _ in range(12):
        torn = bytearray(whole)
        for frame in range(before, count):
            at = 32 + frame * (24 + PAGE_BYTES)
            if chance.random() < 0.5 or frame == before:
                torn[at : at + 24 + PAGE_BYTES] = bytes(24 + PAGE_BYTES)
        journal.write_bytes(base)
        log.write_bytes(torn)
        journal.with_name("journal.sqlite-shm").unlink(missing_ok=True)
        found = prove(journal)
        assert (found.lacking, found.unread) == (None, ())


def test_frames_of_a_transaction_that_was_given_up_are_no_damage(tmp_path):
    """They lie behind the end with the log's own salts, after a shorter commit in their place."""
    journal = tmp_path / "journal.sqlite"
    with closing(opening.open_for_writing(journal, "power")) as connection:
        for n in range(1, 6):
            journal_file.append(connection, [step("s", n)])
        connection.execute("PRAGMA cache_size = 4")
        connection.execute("BEGIN IMMEDIATE")
        for n in range(40):
            row = (1_000 + n, 1, "agent_steps", 0, os.urandom(30_000))
            connection.execute(
                "INSERT INTO record_group (first, rows, tbl, crc, body) VALUES (?, ?, ?, ?, ?)", row
            )
        connection.execute("ROLLBACK")
        spilled = frames(wal.log_of(journal))
        journal_file.append(connection, [step("s", 6)])
        assert frames(wal.log_of(journal)) == spilled > 40
        assert wal.damaged_from(journal, PAGE_BYTES) is None
        assert prove(journal).lacking is None


def test_the_log_alone_tells_of_a_frame_in_its_middle(tmp_path):
    """Also where the note was not written: commits lie behind it that were acknowledged."""
    journal = tmp_path / "journal.sqlite"
    connection = opening.open_for_writing(journal, "power")
    for n in range(1, 21):
        journal_file.append(connection, [step("s", n)])
    log = wal.log_of(journal)
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in tmp_path.glob("journal*"):
        shutil.copy(path, copy)
    connection.close()
    assert not log.exists()
    hurt = copy / "journal.sqlite"
    count = frames(wal.log_of(hurt))
    whole = wal.log_of(hurt).read_bytes()
    for frame in range(4, count - 4):
        wal.log_of(hurt).write_bytes(whole)
        flip(wal.log_of(hurt), 32 + frame * (24 + PAGE_BYTES) + 24 + 5_000)
        hurt.with_name("journal.sqlite-shm").unlink(missing_ok=True)
        note(hurt, 1)
        assert prove(hurt).lacking is not None, frame


async def test_a_group_that_is_not_what_was_committed(folder, journal):
    """A bit of a body, which reads as another value: refused with its numbers; a person may go on
    without it."""
    with closing(sqlite3.connect(journal, isolation_level=None)) as connection:
        connection.execute(
            "UPDATE record_group SET body = CAST(replace(body, 'joke 30', 'joke 31') AS BLOB)"
            " WHERE first = 30"
        )
    with pytest.raises(RollBackNeededError, match=r"not what was committed.*journal_n 30"):
        await started(folder)
    Store(folder).repair(roll_back=True)
    await started(folder)
    assert 30 not in seqs(folder)
    assert (folder / "damaged" / "journal-agent_steps-30.jsonl").exists()


async def test_a_group_that_goes_bad_while_the_worker_runs(tmp_path):
    """The flush sets it aside with its numbers, and holds up no other row."""
    store = Store(tmp_path, flush_s=0.3)
    await store.start()
    for n in range(1, 6):
        await store.journal.append(step("s", n))
    with closing(sqlite3.connect(store.folder.journal, isolation_level=None)) as connection:
        connection.execute("UPDATE record_group SET body = 'x' || substr(body, 2) WHERE first = 3")
    await until_async(lambda: store.journal.pending == 0)
    assert seqs(tmp_path) == [1, 2, 4, 5]
    [lost] = damage.missing(tmp_path)
    assert lost.journal_n == ((3, 3),)
    await store.stop()


def test_an_append_that_fails_notes_nothing(tmp_path):
    journal = tmp_path / "journal.sqlite"
    with closing(opening.open_for_writing(journal, "power")) as connection:
        journal_file.append(connection, [step("s", 1)])
        connection.execute("PRAGMA query_only = ON")
        with pytest.raises(JournalError):
            journal_file.append(connection, [step("s", 2)])
    assert acknowledged.read(journal).number == 1


MAKING = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")  # it writes before it commits
connection.execute("CREATE TABLE before (a)")
connection.execute("BEGIN")
connection.execute("CREATE TABLE record_group (a)")
for _ in range(100):
    connection.execute("INSERT INTO before VALUES (zeroblob(2000))")
os._exit(9)
"""


@pytest.mark.parametrize("name", ["journal.sqlite", "queue.sqlite"])
async def test_a_kill_while_a_file_is_made(tmp_path, name):
    """Nothing was in it yet; a reader finds none, and the next start makes it."""
    path = tmp_path / name
    command = [sys.executable, "-c", MAKING, str(path)]
    await asyncio.to_thread(subprocess.run, command, check=False)
    assert path.with_name(f"{name}-journal").stat().st_size
    with inspected(path) as connection:
        assert connection is None
    store = Store(tmp_path)
    await store.start()
    await store.journal.append(step("s", 1))
    await store.stop()
    assert not path.with_name(f"{name}-journal").exists()


def test_a_journal_that_was_emptied_keeps_its_log(tmp_path):
    """SQLite deletes the log of a file of no bytes at the first look, with all that is in it."""
    path = tmp_path / "journal.sqlite"
    path.touch()
    log = wal.log_of(path)
    log.write_bytes(b"committed")

    def looked(opened):
        with opened:
            pass

    for look in (
        lambda: prove(path),
        lambda: open_for_writing(path, "power"),
        lambda: looked(open_for_reading(path)),
        lambda: looked(inspected(path)),
    ):
        with pytest.raises(FolderUnusableError, match="it is empty, and its log"):
            look()
    assert log.read_bytes() == b"committed"


class _Making(type(Path())):
    """A file of no bytes that another process completes between two looks at it."""

    def stat(self, **how):
        found = super().stat(**how)
        if self.name == "journal.sqlite":
            Path(self).write_bytes(b"its first page")
            wal.log_of(Path(self)).write_bytes(b"its first commit")
        return found


def test_a_journal_that_is_being_made_was_not_emptied(tmp_path):
    """A file that grows between two looks has lost nothing."""
    path = _Making(tmp_path / "journal.sqlite")
    path.touch()
    opening.refuse_if_emptied(path)
