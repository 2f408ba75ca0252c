"""Compaction: many small commits cost no more than few, and it harms no reader and no writer."""

import asyncio
import statistics
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial

from structlog.testing import capture_logs

from store import agent_steps
from store.folder import DataFolder
from store.journal.arrow import to_arrow
from store.journal.file import Group
from store.lance import compaction
from store.lance import manifest as manifests
from store.lance.compaction import Compaction
from store.lance.tables import COMPACT_COMMITS, connect, open_or_make
from store.reading import Reader
from store.snapshot import take
from store.store import Store
from tests.integration.store.support import step
from tests.support.waiting import until, until_async


class Clock:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


def nothing():
    """Sync and note nothing: no start comes after it."""


def nobody():
    """Nobody holds a version."""
    return False


def renewed_at(renewed, table):
    renewed.append(table.version)


def there(folder):
    return sorted(manifests.version_of(path) for path in manifests.manifests(folder))


def rows(n):
    return to_arrow(agent_steps.TABLE, [Group(n, 1, "agent_steps", step(f"s{n % 50}", n).body)])


def pieces(table):
    return table.stats()["fragment_stats"]["num_fragments"]


def key_query_s(table):
    took = []
    for n in range(9):
        started = time.perf_counter()
        table.search().where(f"session_id = 's{n}'").to_list()
        took.append(time.perf_counter() - started)
    return statistics.median(took)


def test_after_five_hundred_commits_pieces_are_few(tmp_path, monkeypatch):
    """After 500 commits of one row, with compaction at its turns, pieces and old versions are few
    and a query by key is about as fast as at the start."""
    table = open_or_make(connect(tmp_path), agent_steps.TABLE)
    monkeypatch.setattr(compaction, "KEEP", timedelta(milliseconds=1))
    clock = Clock()
    keeper = Compaction(clock)
    for n in range(1, 21):
        table.add(rows(n))
    early_s = key_query_s(table)
    compacted = 0
    for n in range(21, 501):
        table.add(rows(n))
        if keeper.due("agent_steps", table.version):
            compacted += keeper.run("agent_steps", table)
        clock.now += 1
        keeper.clean_due([(agent_steps.TABLE, table)], nothing, nobody)
    late_s = key_query_s(table)
    assert 6 <= compacted <= 9
    assert table.count_rows() == 500
    assert pieces(table) <= COMPACT_COMMITS + 2
    folder = tmp_path / "agent_steps.lance"
    assert len(list((folder / "_versions").iterdir())) <= 2 * COMPACT_COMMITS
    assert len(list((folder / "data").iterdir())) <= 2 * COMPACT_COMMITS
    assert late_s < max(8 * early_s, 0.2)


def test_what_a_compaction_replaced_is_kept(tmp_path):
    """The version that a compaction replaces may be old and is read all the same: nothing is
    deleted before it has been replaced for as long as `KEEP`, and synced."""
    table = open_or_make(connect(tmp_path), agent_steps.TABLE)
    for n in range(1, 6):
        table.add(rows(n))
    versions = tmp_path / "agent_steps.lance" / "_versions"
    before = {path.name for path in versions.iterdir()}
    clock = Clock()
    keeper = Compaction(clock)
    renewed = []

    def cleaned():
        renew = partial(renewed_at, renewed, table)
        return keeper.clean_due([(agent_steps.TABLE, table)], renew, nobody)

    assert keeper.run("agent_steps", table)
    assert not cleaned()
    assert before <= {path.name for path in versions.iterdir()} | {"latest_version_hint.json"}
    clock.now += compaction.KEEP.total_seconds() + 1
    table.add(rows(6))
    assert not cleaned()  # it would replace versions itself
    assert renewed == []
    assert keeper.run("agent_steps", table)
    assert cleaned()
    assert renewed[0] in [each["version"] for each in table.list_versions()]
    assert not cleaned()


def test_a_clean_up_that_fails_waits_for_the_next_compaction(tmp_path, monkeypatch):
    """Not for the next turn, a second later: a full disk would fail it again and again."""
    table = open_or_make(connect(tmp_path), agent_steps.TABLE)
    table.add(rows(1))
    clock = Clock()
    keeper = Compaction(clock)
    assert keeper.run("agent_steps", table)
    clock.now += compaction.KEEP.total_seconds() + 1
    tried = []

    def fails(**_):
        tried.append(clock.now)
        raise OSError("No space left on device")

    monkeypatch.setattr(table, "optimize", fails)
    for _ in range(3):
        assert not keeper.clean_due([(agent_steps.TABLE, table)], nothing, nobody)
    assert len(tried) == 1


def test_at_rest_all_that_was_replaced_is_gone(tmp_path, monkeypatch):
    """While a table changes each clean-up comes too early for what the newest compaction replaced;
    the last one does not: a folder at rest has its rows once."""
    monkeypatch.setattr(compaction, "KEEP", timedelta(seconds=0.3))
    table = open_or_make(connect(tmp_path), agent_steps.TABLE)
    keeper, folder = Compaction(), tmp_path / "agent_steps.lance"
    cleaned, n = 0, 0
    while cleaned < 2:  # under load: a compaction now and then
        for n in range(n + 1, n + 6):  # noqa: B020 - the numbers go on
            table.add(rows(n))
        assert keeper.run("agent_steps", table)
        cleaned += keeper.clean_due([(agent_steps.TABLE, table)], nothing, nobody)
        time.sleep(0.1)
    assert len(list((folder / "data").iterdir())) > 1
    until(lambda: keeper.clean_due([(agent_steps.TABLE, table)], nothing, nobody))
    assert len(list((folder / "data").iterdir())) == 1
    assert len(there(folder)) <= 3
    assert table.count_rows() == n
    assert not keeper.clean_due([(agent_steps.TABLE, table)], nothing, nobody)


def test_a_version_that_was_in_use_until_now_is_kept():
    """However old it is: it counts for how long it has been replaced."""
    now = datetime.now(UTC)

    class Versions:
        def __init__(self, *ages_s):
            self._made = [now - timedelta(seconds=age_s) for age_s in ages_s]

        def list_versions(self):
            return [{"version": n, "timestamp": at} for n, at in enumerate(self._made)]

    age = compaction._replaced_for(timedelta(seconds=30), Versions(9_000, 7_200, 3_600, 1, 0))
    assert timedelta(seconds=3_600) < age < timedelta(seconds=7_200)
    for nothing_to_delete in (Versions(3_600, 1, 0), Versions(1, 0)):
        age = compaction._replaced_for(timedelta(seconds=30), nothing_to_delete)
        assert age > timedelta(days=365)


async def test_a_snapshot_keeps_its_versions(tmp_path, monkeypatch):
    """However long somebody reads one moment of a folder: what it is made of is not cleaned away
    meanwhile, and goes when it is done."""
    monkeypatch.setattr("store.lance.compaction.IDLE_S", 0.1)
    monkeypatch.setattr("store.lance.compaction.KEEP", timedelta(seconds=0.2))
    store, path = Store(tmp_path, flush_s=0.02), tmp_path / "agent_steps.lance"
    await store.start()
    try:
        await store.journal.append(step("s1", 1))
        await until_async(lambda: store.flushed_rows == 1)
        taken = await asyncio.to_thread(take, tmp_path)
        pinned = taken.opened(agent_steps.TABLE).version
        for n in range(2, 5):
            await store.journal.append(step("s1", n))
            await until_async(lambda n=n: store.flushed_rows == n)
        await until_async(lambda: "agent_steps" in store.compacted_at)
        await asyncio.sleep(1.0)
        assert pinned in there(path)
        assert len(list(taken.stored_rows(agent_steps.TABLE))) == 1
        del taken
        await until_async(lambda: pinned not in there(path))
    finally:
        await store.stop()


def test_a_folder_that_cannot_be_written_can_be_held(tmp_path):
    """Who reads a folder may have no right to write to it, and makes nothing in it."""
    folder = DataFolder(tmp_path)
    assert folder.hold_versions() is None
    assert not list(tmp_path.iterdir())
    assert not folder.versions_held()
    (tmp_path / "versions.lock").chmod(0o400)
    held = folder.hold_versions()
    folder.hold_versions()  # nobody keeps it: it is given back at once
    assert folder.versions_held()
    held.close()
    assert not folder.versions_held()


async def test_a_start_compacts_what_was_left_and_idles(tmp_path):
    """Commits of an earlier run count: a start with many pieces compacts them at its first turn."""
    table = open_or_make(connect(tmp_path), agent_steps.TABLE)
    for n in range(1, COMPACT_COMMITS + 2):
        table.add(rows(n))
    assert pieces(table) > COMPACT_COMMITS
    store = Store(tmp_path, flush_s=0.02)
    await store.start()
    await until_async(lambda: pieces(table) <= 2)
    await store.stop()


def test_a_conflict_loses_harmlessly(tmp_path):
    """Where another process updates meanwhile, the compaction gives way: no error, every update
    counts, and a later turn compacts."""
    table = open_or_make(connect(tmp_path), agent_steps.TABLE)
    for n in range(1, 31):
        table.add(rows(n))
    ended = threading.Event()
    updates = [0]

    def update():
        other = connect(tmp_path).open_table("agent_steps")
        while not ended.is_set():
            updates[0] += 1
            other.update(where="seq = 1", values={"tokens_out": updates[0]})

    thread = threading.Thread(target=update)
    keeper, lost, seq = Compaction(), 0, 30
    thread.start()
    try:
        with capture_logs() as logs:
            deadline = time.monotonic() + 30
            while not lost and time.monotonic() < deadline:
                table.add(rows(seq := seq + 1))  # a compaction always has something to do
                lost += not keeper.run("agent_steps", table)
    finally:
        ended.set()
        thread.join()
    assert lost > 0, "no conflict came about"
    assert not any(line["log_level"] == "error" for line in logs)
    assert keeper.run("agent_steps", table)
    found = table.search().limit(None).to_arrow().sort_by("seq")
    assert found["tokens_out"][0].as_py() == updates[0]
    assert found["seq"].to_pylist() == list(range(1, seq + 1))


def test_a_failing_compaction_is_said_and_put_off(tmp_path):
    """A compaction that fails for another reason is logged once and not tried at every turn."""
    table = open_or_make(connect(tmp_path), agent_steps.TABLE)
    for n in range(1, 4):
        table.add(rows(n))
    manifests = sorted((tmp_path / "agent_steps.lance" / "_versions").glob("*.manifest"))
    for path in (tmp_path / "agent_steps.lance" / "data").glob("*.lance"):
        path.write_bytes(b"")
    assert manifests
    keeper = Compaction(Clock())
    opened = connect(tmp_path).open_table("agent_steps")
    with capture_logs() as logs:
        assert not keeper.run("agent_steps", opened)
    assert [line["event"] for line in logs] == ["compaction failed"]
    assert not keeper.due("agent_steps", opened.version)


def test_a_reader_outlives_the_clean_up(tmp_path):
    """A reader whose version is cleaned away under it reads the newest instead of failing."""
    table = open_or_make(connect(tmp_path), agent_steps.TABLE)
    table.add(rows(1))
    ended, failures, reads = threading.Event(), [], [0]

    def read():
        own = Reader(tmp_path)
        while not ended.is_set():
            try:
                found = agent_steps.list_steps("s1", 0, 1, store=own)
                reads[0] += 1
                if len(found) != 1:
                    failures.append(found)
            except Exception as error:  # noqa: BLE001 - shown by the assertion
                failures.append(error)
                return

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for n in range(2, 51):
            table.add(rows(n))
            table.optimize(cleanup_older_than=timedelta(milliseconds=1), delete_unverified=True)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert reads[0] > 20
