"""The data folder: what is no place for data is refused by name, and one worker owns it."""

import asyncio
import contextlib
import json
import os
import shutil
import stat
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import lancedb
import pyarrow as pa
import pytest
from structlog.testing import capture_logs

import queue_imp
from store import agent_state, agent_steps
from store.errors import FolderOwnedError, FolderUnusableError, FormatUnknownError
from store.folder import FORMAT, DataFolder
from store.queue import reading as queue_reading
from store.queue.writer import QueueWriter
from store.reading import Reader
from store.store import Store
from tests.integration.store.support import child, step
from tests.support.waiting import until


async def refused(path):
    """The error of a start, and of an enqueue from a process without a worker."""
    with pytest.raises(FolderUnusableError) as caught:
        await Store(path).start()
    with pytest.raises(Exception, match="cannot be used") as enqueued:
        QueueWriter(path).append(queue_imp.create_action("agent_pause", "ann", agent_id="a"))
    assert "not acknowledged" in str(enqueued.value)
    return str(caught.value)


async def test_a_path_that_is_a_file(tmp_path):
    """A file where the folder should be is named, with what to do."""
    path = tmp_path / "data"
    path.write_text("not a folder")
    message = await refused(path)
    assert str(path) in message
    assert "set REINS_DATA" in message


async def test_a_missing_disk_is_refused(tmp_path):
    """A folder whose parent is a dangling mount point is refused, not made somewhere else."""
    (tmp_path / "disk").symlink_to("/nowhere/at/all")
    assert "disk" in await refused(tmp_path / "disk" / "data")


@contextlib.contextmanager
def mounted(path, *options):
    """A tmpfs; skips aloud where this user may not mount."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(path)]
    if (
        shutil.which("mount") is None
        or subprocess.run(command, capture_output=True, check=False).returncode
    ):
        pytest.skip("SKIPPED: this user cannot mount a tmpfs, so a full disk is not tested")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


async def test_a_read_only_folder_is_refused_with_the_reason(tmp_path):
    """A folder on a disk that is mounted read-only is refused with the reason."""
    with mounted(tmp_path / "disk", "ro") as disk:
        assert "Read-only file system" in await refused(disk)


async def test_a_full_disk_fails_an_enqueue_with_one_clear_error(tmp_path):
    """On a disk that fills up enqueueing fails with one clear error, what was acknowledged is
    there, and when there is room again actions go in."""
    with mounted(tmp_path / "disk", "size=1M") as disk:
        writer = QueueWriter(disk)
        acked = []

        def fill():
            for n in range(2_000):
                row = queue_imp.create_action("agent_pause", "ann", agent_id=f"a{n}")
                writer.append(row)
                acked.append(row["action_id"])

        (disk / "ballast").write_bytes(b"x" * 300_000)
        with pytest.raises(Exception, match="not acknowledged") as caught:
            await asyncio.to_thread(fill)
        assert "space" in str(caught.value).lower()
        assert len(acked) > 3
        (disk / "ballast").unlink()
        row = queue_imp.create_action("agent_pause", "ann", agent_id="last")
        writer.append(row)
        there = {row["action_id"] for row in queue_reading.everything(Reader(disk))}
        assert {*acked, row["action_id"]} <= there


async def test_a_newer_format_is_refused(tmp_path):
    """A folder of a newer Reins is refused and left as it is."""
    (tmp_path / "format.json").write_text(json.dumps({"format": FORMAT + 1}))
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(
        FormatUnknownError, match=f"format {FORMAT + 1}, this Reins knows up to {FORMAT}"
    ):
        await Store(tmp_path).start()
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "\udcff"])
async def test_an_unreadable_format_is_named(tmp_path, text):
    """A format file that says nothing is an error that names it."""
    (tmp_path / "format.json").write_text(text, errors="surrogateescape")
    with pytest.raises(FolderUnusableError, match=r"format\.json is not readable"):
        await Store(tmp_path).start()


async def test_an_older_folder_is_migrated(tmp_path):
    """Tables without a recorded format and without newer columns and indices are completed, their
    rows stay, and a new row takes the place of an old one that has no number."""
    names = [n for n in agent_state.TABLE.schema.names if n not in ("journal_n", "usage")]
    old = pa.schema([agent_state.TABLE.schema.field(name) for name in names])
    row = dict.fromkeys(names) | {"agent_id": "s1", "session_id": "s1", "iteration": 7}
    db = lancedb.connect(str(tmp_path))
    db.create_table("agent_state", pa.Table.from_pylist([row, row | {"session_id": "s2"}], old))
    assert DataFolder(tmp_path).format() == 0
    store = Store(tmp_path, flush_s=0.02)
    with capture_logs() as logs:
        await store.start()
    [line] = [line for line in logs if line["event"] == "table migrated"]
    assert (line["table"], line["columns_added"]) == ("agent_state", ["usage", "journal_n"])
    assert DataFolder(tmp_path).format() == FORMAT
    for _ in range(2):
        states = agent_state.list_agent_states(store=store.reader)
        assert [state["iteration"] for state in states] == [7, 7]
    await store.journal.append(step("s1", 8))
    states = agent_state.list_agent_states(store=store.reader)
    assert [state["iteration"] for state in states] == [8, 7]
    await store.stop()
    assert Reader(tmp_path).table(agent_state.TABLE).count_rows() == 2
    indices = Reader(tmp_path).table(agent_state.TABLE).list_indices()
    assert [index.columns for index in indices] == [["session_id"]]


async def test_a_table_left_without_its_indices(tmp_path):
    """A process that died while it made a table: the next start completes it."""
    DataFolder(tmp_path).prepare()
    lancedb.connect(str(tmp_path)).create_table("agent_steps", schema=agent_steps.TABLE.schema)
    store = Store(tmp_path)
    await store.start()
    await store.stop()
    indices = Reader(tmp_path).table(agent_steps.TABLE).list_indices()
    assert {column for index in indices for column in index.columns} == {*agent_steps.TABLE.indices}


_OWN = """
import asyncio, sys
from store.store import Store
async def main():
    store = Store(sys.argv[1])
    await store.start()
    print("owned")
    await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_a_folder_has_one_owner(tmp_path):
    """A second worker is refused with the first one's process id; kill -9 frees the folder."""
    owner = child(_OWN, tmp_path)
    assert (await asyncio.to_thread(owner.stdout.readline)).strip() == "owned"
    assert DataFolder(tmp_path).owner_pid() == owner.pid
    second = Store(tmp_path)
    with pytest.raises(FolderOwnedError, match=f"process {owner.pid}\\) owns the data folder"):
        await second.start()
    await second.stop()
    assert owner.poll() is None
    owner.kill()
    owner.communicate(timeout=20)
    assert DataFolder(tmp_path).owner_pid() is None
    third = Store(tmp_path)
    await third.start()
    assert DataFolder(tmp_path).owner_pid() == os.getpid()
    await third.stop()
    assert DataFolder(tmp_path).owner_pid() is None


async def test_a_stop_before_the_start_and_twice_does_nothing(tmp_path):
    """Stop before start and twice do nothing; a second start is an error of its own; a store that
    did not start leaves the folder free."""
    store = Store(tmp_path)
    await store.stop()
    await store.start()
    with pytest.raises(RuntimeError, match="started twice"):
        await store.start()
    await store.journal.append(step("s1", 1))
    await store.stop()
    await store.stop()
    again = Store(tmp_path)
    await again.start()
    await again.stop()


async def test_a_path_that_begins_with_db(tmp_path, monkeypatch):
    """LanceDB takes such paths for its cloud; here they are folders like any other."""
    monkeypatch.chdir(tmp_path)
    store = Store("db-data", flush_s=0.02)
    await store.start()
    await store.journal.append(step("s1", 1))
    await store.stop()
    assert (tmp_path / "db-data" / "agent_steps.lance").is_dir()


def test_many_threads_prepare_at_once(tmp_path):
    """Threads that use a new folder at the same moment do not trip over each other."""
    at_once = threading.Barrier(16)

    def prepare(n):
        at_once.wait()
        for turn in range(20):
            DataFolder(tmp_path / str(turn)).prepare()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(prepare, range(16)))
    until(lambda: DataFolder(tmp_path / "0").format() == FORMAT)
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == ["format.json"]


def test_a_new_folder_is_its_owners_alone(tmp_path):
    """Nobody else on the machine reads what is in it; one that was there before keeps its mode."""
    given = tmp_path / "given"
    given.mkdir(mode=0o750)
    for folder, mode in ((tmp_path / "made" / "data", 0o700), (given, 0o750)):
        DataFolder(folder).prepare()
        assert stat.S_IMODE(folder.stat().st_mode) == mode
