"""Files damaged the way loss of power leaves them: start mends them, loudly, and loses nothing."""

import asyncio
import os
import shutil

import pytest
from structlog.testing import capture_logs

import queue_imp
from store import agent_state, agent_steps
from store.errors import FolderUnusableError, RollBackNeededError, TableDamagedError
from store.journal.rows import as_arrow
from store.queue import table as queue
from store.queue.writer import QueueWriter
from store.reading import Reader
from store.store import Store
from tests.integration.store.support import step
from tests.support.waiting import until_async


def manifests(folder, table):
    """The newest first."""
    return sorted((folder / f"{table}.lance" / "_versions").glob("*.manifest"))


def data_files(folder, table):
    """The newest first."""
    files = (folder / f"{table}.lance" / "data").glob("*.lance")
    return sorted(files, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def empty(path):
    path.write_bytes(b"")


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zeros(path):
    path.write_bytes(b"\0" * path.stat().st_size)


def zero_texts(path):
    """The first page, which holds texts: the numbers of its rows read on."""
    content = path.read_bytes()
    path.write_bytes(bytes(256) + content[256:])


async def start(folder):
    """A started store and what it logged as errors."""
    store = Store(folder, flush_s=0.02)
    with capture_logs() as logs:
        await store.start()
    return store, [line for line in logs if line["log_level"] == "error"]


async def fill(folder):
    """A folder where 30 rows and 5 actions are on disk for good, and 20 rows more are in the
    tables but still in the journal: what a loss of power may tear."""
    store, errors = await start(folder)
    assert errors == []
    writer = QueueWriter(folder)
    for n in range(5):
        writer.append(queue_imp.create_action("agent_pause", "ann", agent_id=f"a{n}"))
    for n in range(1, 31):
        await store.journal.append(step("s1", n), step(f"t{n}", 1))
        if n % 10 == 0:
            await until_async(lambda: store.journal.pending == 0)
    # From here on the journal does not hear that the tables' commits are synced.
    store.journal.forget = _never
    store._flush._note_files = _never
    for n in range(31, 51):
        await store.journal.append(step("s1", n), step(f"t{n}", 1))
    opened = Reader(folder).table(agent_steps.TABLE)
    await until_async(lambda: opened.count_rows() == 100)
    await store.stop()
    assert len(list(manifests(folder, "agent_steps"))) > 3


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Made once, since it takes a second."""
    folder = tmp_path_factory.mktemp("full") / "data"
    asyncio.run(fill(folder))
    return folder


@pytest.fixture
def filled(full, tmp_path):
    """The test's folder, full."""
    return shutil.copytree(full, tmp_path, dirs_exist_ok=True)


def _never(*_arguments):
    pass


async def check_whole(folder, store):
    """Everything acknowledged is there, once."""
    own = Reader(folder)
    await until_async(lambda: store.journal.pending == 0)
    seqs = [row["seq"] for row in agent_steps.list_steps("s1", store=own)]
    assert seqs == list(range(1, 51))
    assert own.table(agent_steps.TABLE).count_rows() == 100
    states = {row["session_id"]: row for row in agent_state.list_agent_states(store=own)}
    assert len(states) == 51
    assert states["s1"]["iteration"] == 50
    for n in range(1, 51):
        assert len(agent_steps.list_steps(f"t{n}", store=own)) == 1


@pytest.mark.parametrize("table", ["agent_steps", "agent_state"])
@pytest.mark.parametrize(
    ("files", "damage"),
    [
        (manifests, empty),
        (manifests, cut),
        (manifests, zeros),
        (data_files, empty),
        (data_files, cut),
        (data_files, zeros),
        (data_files, zero_texts),
    ],
)
async def test_a_torn_newest_version_is_written_again_from_the_journal(
    tmp_path, filled, table, files, damage
):
    """A torn newest manifest or data file: start says what it did, the journal writes again what
    was in it, and the second start has nothing to mend."""
    damage(files(tmp_path, table)[0])
    store, errors = await start(tmp_path)
    assert {line["event"] for line in errors} == {"table repaired"}
    assert {line["table"] for line in errors} == {table}
    assert not any("lost" in line["did"] for line in errors), errors
    if files is manifests:
        assert len(list((tmp_path / "damaged").iterdir())) == 1
    await check_whole(tmp_path, store)
    await store.stop()
    store, errors = await start(tmp_path)
    assert errors == []
    assert store.repaired == []
    await check_whole(tmp_path, store)
    await store.stop()


async def test_of_several_torn_versions_the_newest_whole_one_is_found(tmp_path, filled):
    """Several versions torn at once, manifests and data: the newest whole one is found, the torn
    are put aside, and compaction works on what is left."""
    newest, *older = manifests(tmp_path, "agent_steps")
    empty(newest)
    zeros(data_files(tmp_path, "agent_steps")[0])
    assert len(older) > 3
    store, errors = await start(tmp_path)
    assert {line["table"] for line in errors} == {"agent_steps"}
    await check_whole(tmp_path, store)
    await store.stop()


async def test_a_torn_older_version_is_put_aside(tmp_path, filled):
    """A torn manifest between whole ones: it is put aside, for compaction would fail on it."""
    empty(manifests(tmp_path, "agent_steps")[1])
    store, errors = await start(tmp_path)
    assert [line["table"] for line in errors] == ["agent_steps"]
    Reader(tmp_path).table(agent_steps.TABLE).optimize()
    await check_whole(tmp_path, store)
    await store.stop()


@pytest.mark.parametrize("damage", [empty, cut, zeros])
async def test_a_torn_index_is_made_again(tmp_path, filled, damage):
    """A torn index is made again: queries by key work, and no row is lost with it."""
    Reader(tmp_path).table(agent_steps.TABLE).optimize()
    for path in (tmp_path / "agent_steps.lance" / "_indices").rglob("*"):
        if path.is_file():
            damage(path)
    store, errors = await start(tmp_path)
    assert [line["did"] for line in errors] == [
        f"index of {column} made again" for column in agent_steps.TABLE.indices
    ]
    await check_whole(tmp_path, store)
    await store.stop()


@pytest.mark.parametrize(
    ("files", "damage"), [(manifests, empty), (manifests, zeros), (data_files, cut)]
)
async def test_a_torn_queue_keeps_what_was_acknowledged(tmp_path, filled, files, damage):
    """An action whose commit was torn before it was acknowledged goes; all others stay, and the
    queue takes actions again."""
    table = Reader(tmp_path).table(queue.TABLE)
    row = queue_imp.create_action("agent_pause", "ann", agent_id="torn")
    await asyncio.to_thread(table.add, as_arrow(queue.TABLE, {**row, queue.NUMBER: None}))
    damage(files(tmp_path, "queue")[0])
    store, errors = await start(tmp_path)
    assert {line["table"] for line in errors} == {"queue"}
    QueueWriter(tmp_path).append(queue_imp.create_action("agent_pause", "ann", agent_id="new"))
    rows = await queue_imp.poll_lancedb_for_actions(store.queue)
    assert [row["agent_id"] for row in rows] == ["a0", "a1", "a2", "a3", "a4", "new"]
    await store.stop()


async def test_an_empty_table_folder_is_put_aside(tmp_path, filled):
    """A table folder without anything in it is put aside, and the table is made again."""
    shutil.rmtree(tmp_path / "messages.lance")
    (tmp_path / "messages.lance").mkdir()
    store, errors = await start(tmp_path)
    assert [line["table"] for line in errors] == ["messages"]
    assert (tmp_path / "messages.lance" / "_versions").is_dir()
    await check_whole(tmp_path, store)
    await store.stop()


async def test_a_table_whose_making_was_cut_short_is_made_again(tmp_path):
    """Nothing was ever in it: that is no damage, and no error."""
    for table in ("conversations", "agent_steps"):
        (tmp_path / f"{table}.lance" / "_versions").mkdir(parents=True)
    store, errors = await start(tmp_path)
    await store.journal.append(step("s1", 1))
    await store.stop()
    assert errors == []
    assert len(agent_steps.list_steps("s1", store=Reader(tmp_path))) == 1


async def test_data_without_any_manifest_refuses_the_start(tmp_path, filled):
    """Data whose manifests are all gone is not made away with: the start is refused by name."""
    for path in manifests(tmp_path, "agent_steps"):
        path.unlink()
    with pytest.raises(
        TableDamagedError, match=r"agent_steps\.lance has data but no manifest.*backup"
    ):
        await start(tmp_path)
    assert data_files(tmp_path, "agent_steps")


async def test_a_table_of_which_nothing_reads_refuses_the_start(tmp_path, filled):
    """Where none of its rows reads the start is refused, and nothing of the table is moved."""
    Reader(tmp_path).table(agent_steps.TABLE).optimize()
    before = manifests(tmp_path, "agent_steps")
    for path in data_files(tmp_path, "agent_steps"):
        zeros(path)
    with pytest.raises(RollBackNeededError, match=r"agent_steps in .*--roll-back"):
        await start(tmp_path)
    assert manifests(tmp_path, "agent_steps") == before
    store = Store(tmp_path)
    with pytest.raises(RollBackNeededError):  # the folder is free again: not FolderOwnedError
        await store.start()


async def test_a_table_without_a_manifest_that_reads_refuses_the_start(tmp_path, filled):
    for path in manifests(tmp_path, "agent_steps"):
        empty(path)
    with pytest.raises(TableDamagedError, match=r"agent_steps in .* does not read in any version"):
        await start(tmp_path)


async def test_versions_that_were_safe_and_are_lost_refuse_the_start(tmp_path, filled):
    """Where a disk loses what had been synced, the start says which rows, and touches nothing."""
    before = manifests(tmp_path, "agent_steps")
    for path in before[:-3]:
        empty(path)
    with pytest.raises(RollBackNeededError, match=r"rows of agent_steps; journal_n 1-60; s1: 1-30"):
        await start(tmp_path)
    assert manifests(tmp_path, "agent_steps") == before
    assert not (tmp_path / "damaged").exists()


async def test_agent_state_is_made_again_from_the_log(tmp_path, filled):
    """With `agent_state` gone altogether, every session's newest state is back from the log."""
    shutil.rmtree(tmp_path / "agent_state.lance")
    store = Store(tmp_path, flush_s=0.02)
    with capture_logs() as logs:
        await store.start()
    assert any("made again" in line["event"] for line in logs)
    await check_whole(tmp_path, store)
    await store.stop()


async def test_after_a_lost_journal_rows_are_numbered_on(tmp_path, filled):
    """With the journal gone the tables stay, and new rows are numbered on from theirs."""
    for path in tmp_path.glob("journal.sqlite*"):
        path.unlink()
    store, errors = await start(tmp_path)
    assert errors == []
    await store.journal.append(step("s1", 51))
    await until_async(lambda: store.journal.pending == 0)
    rows = agent_steps.list_steps("s1", store=Reader(tmp_path))
    assert [row["seq"] for row in rows] == list(range(1, 52))
    assert rows[-1]["journal_n"] == 101
    await store.stop()


async def test_a_damaged_journal_is_one_error_that_names_it(tmp_path, filled):
    """A journal that does not read: one error that names it, before anything is changed."""
    path = tmp_path / "journal.sqlite"
    path.write_bytes(os.urandom(path.stat().st_size))
    with pytest.raises(FolderUnusableError, match=r"journal\.sqlite .*move it aside"):
        await start(tmp_path)
