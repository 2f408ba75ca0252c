"""The flush: from the journal into the tables, in order, once, whatever fails on the way."""

import asyncio
import errno
import signal
import time
from datetime import timedelta
from types import SimpleNamespace

import orjson
import pytest
from structlog.testing import capture_logs

from store import agent_state, agent_steps, agents_config, messages
from store.errors import RowInvalidError
from store.journal.file import Record
from store.reading import Reader
from store.safe_versions import go_back
from store.store import Store
from tests.integration.store.support import child, message, step
from tests.support import data_folder
from tests.support.waiting import until_async

HOSTILE = [
    "nul \x00 in it",
    "emoji 🐈‍⬛ and \U0010ffff",
    "quotes ' \" \\ `",
    "newlines \n \r\n \x0b \x0c \x85 \u2028 \u2029",
    '{"looks": "like JSON"}',
    "2024-01-01T00:00:00Z",
    "NaN",
    "\u202ertl",
    "",
    "x" * 1_000_000,
]


def table_rows(store, table):
    """The rows in the table itself, without the journal."""
    opened = Reader(store.folder.path).table(table)
    return opened.search().limit(None).to_arrow().sort_by("journal_n").to_pylist()


async def flushed(store):
    await until_async(lambda: store.journal.pending == 0)


async def test_rows_are_in_their_table_once_and_in_order(store):
    """Everything appended is in its table once, in order, and gone from the journal."""
    for first in range(1, 400, 20):
        batch = [step("s1", n) for n in range(first, first + 20)]
        await store.journal.append(*batch, message("c1", first, "hi"))
    await flushed(store)
    rows = table_rows(store, agent_steps.TABLE)
    assert [row["seq"] for row in rows] == list(range(1, 401))
    numbers = [row["journal_n"] for row in rows]
    assert numbers == sorted(set(numbers))
    assert [row["number"] for row in table_rows(store, messages.TABLE)] == list(range(1, 400, 20))
    await until_async(lambda: store.flushed_rows == 420, "they are counted")


async def test_agent_state_is_the_newest_row_per_session(store):
    """`agent_state` holds one row a session, from the newest row of its log."""
    for n in range(1, 101):
        await store.journal.append(*(step(f"s{s}", n) for s in range(n % 7 + 1)))
    await flushed(store)
    rows = {row["session_id"]: row for row in table_rows(store, agent_state.TABLE)}
    assert len(table_rows(store, agent_state.TABLE)) == 7
    log = agent_steps.list_steps("s6", store=store.reader)
    assert rows["s6"]["iteration"] == log[-1]["step"] == 97
    assert orjson.loads(rows["s6"]["history"])["seq"] == 97
    assert rows["s0"]["result"] == "joke 100"
    assert rows["s0"]["journal_n"] > rows["s6"]["journal_n"]


@pytest.mark.parametrize(("many", "rests"), [(5_000, 5), (40, 0)])
async def test_the_flush_gives_way_while_little_has_come(tmp_path, monkeypatch, many, rests):
    """It holds Python's lock for a quarter of a millisecond, and longer only to keep up."""
    rested = []
    monkeypatch.setattr("store.derivation._MANY", many)
    monkeypatch.setattr("store.derivation.time", SimpleNamespace(sleep=rested.append))
    store = Store(tmp_path, flush_s=600)
    await store.start()
    await store.journal.append(*(step(f"s{n}", 1) for n in range(40)))
    await store.stop()
    assert len(rested) == rests
    assert len(table_rows(store, agent_state.TABLE)) == 40


async def test_hostile_text_comes_back_the_same(store):
    """Any text, in the journal and in the table, reads back as it was written."""
    for n, text in enumerate(HOSTILE, 1):
        await store.journal.append(step('it\'s "s"🐈', n, text=text), message("c'1", n, text))
        await store.journal.append(step("s2", n, text=text))
    for _ in range(2):
        read = agent_steps.list_steps('it\'s "s"🐈', store=store.reader)
        assert [row["text"] for row in read] == HOSTILE
        assert [r["text"] for r in messages.list_messages("c'1", store=store.reader)] == HOSTILE
        await flushed(store)


async def test_lone_surrogates_are_refused(store):
    """Values that are no text at all are refused before anything is written."""
    for columns in ({"result": "\ud800"}, {"context": {"a": "\ud800"}, "error": "\udfff"}):
        with pytest.raises(RowInvalidError, match=r"expected string"):
            agent_state.upsert_agent_state("a1", store=store.reader, **columns)
    with pytest.raises(RowInvalidError, match="agent_id"):
        agent_state.upsert_agent_state("a\ud800", store=store.reader)
    assert agent_state.list_agent_states(store=store.reader) == []


_CRASH = """
import asyncio, os, signal, sys
from store.store import Store
from tests.integration.store.support import message, step


async def main():
    store = Store(sys.argv[1], flush_s=0.01)
    await store.start()
    def sync():
        # After the LanceDB commits, before the journal forgets.
        os.kill(os.getpid(), signal.SIGKILL)
    store._flush._safe.sync = sync
    for n in range(int(sys.argv[2]), int(sys.argv[2]) + 50):
        await store.journal.append(step("s1", n), step(f"t{n}", 1), message("c1", n, "hi"))
        print(n)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_crash_between_commit_and_forget_doubles_nothing(tmp_path):
    """Killed after the tables' commits and before the journal forgets, twice: every acknowledged
    row is there once."""
    acked = []
    for first in (1, 101):
        process = child(_CRASH, tmp_path, first)
        out, _ = await asyncio.to_thread(process.communicate, timeout=60)
        assert process.returncode == -signal.SIGKILL
        acked += [int(line) for line in out.splitlines() if line.isdigit()]
    data_folder.stored(tmp_path)
    reader = Reader(tmp_path)
    assert len(reader.table(agent_steps.TABLE).search().limit(None).to_arrow()) > 0
    before = [row["seq"] for row in agent_steps.list_steps("s1", store=reader)]
    assert set(acked) <= set(before)
    store = Store(tmp_path, flush_s=0.01)
    await store.start()
    await flushed(store)
    assert store.repaired == []
    assert [row["seq"] for row in agent_steps.list_steps("s1", store=reader)] == before
    rows = table_rows(store, agent_steps.TABLE)
    assert len({row["journal_n"] for row in rows}) == len(rows) == 2 * len(before)
    assert len(table_rows(store, messages.TABLE)) == len(before)
    assert len(table_rows(store, agent_state.TABLE)) == len(before) + 1
    await store.stop()
    data_folder.stored(tmp_path)


async def test_a_failing_flush_catches_up(store):
    """While a table cannot be written its rows stay readable from the journal, the failure is
    logged, and when the cause is gone everything arrives once."""
    await store.journal.append(step("s1", 1))
    await flushed(store)
    data = store.folder.path / "agent_steps.lance" / "data"
    data.rename(store.folder.path / "away")
    data.write_text("in the way")
    with capture_logs() as logs:
        for n in range(2, 52):
            await store.journal.append(step("s1", n))
        await until_async(lambda: any(line["event"].startswith("flush failed") for line in logs))
    assert store.journal.pending == 50
    data.unlink()
    (store.folder.path / "away").rename(data)
    await flushed(store)
    assert [r["seq"] for r in table_rows(store, agent_steps.TABLE)] == list(range(1, 52))


async def test_a_commit_that_failed_after_it_was_made_doubles_nothing(store, monkeypatch):
    """A table's commit that raises although its rows are in is taken back before it is done
    again."""
    await store.journal.append(step("s1", 1))
    await flushed(store)
    _, steps = store._flush._tables[agent_steps.TABLE.name]
    add, failed = steps.add, []

    def add_and_fail(rows):
        add(rows)
        if not failed:
            failed.append(rows)
            raise OSError(errno.EIO, "the answer was lost")

    monkeypatch.setattr(steps, "add", add_and_fail)
    await store.journal.append(*(step("s1", n) for n in range(2, 12)))
    await flushed(store)
    assert failed
    assert [row["seq"] for row in table_rows(store, agent_steps.TABLE)] == list(range(1, 12))


async def test_a_failing_flush_is_not_retried_by_every_commit(tmp_path):
    """With much pending, a flush that fails is retried by the clock, not at each commit."""
    store = Store(tmp_path, flush_s=0.05)
    await store.start()
    data = tmp_path / "agent_steps.lance" / "data"
    data.rmdir() if data.exists() else None
    data.write_text("in the way")
    with capture_logs() as logs:
        await store.journal.append(*(step("s1", n) for n in range(1, 20_001)))
        await until_async(lambda: any("flush failed" in line["event"] for line in logs))
        n, deadline = 0, time.monotonic() + 2.5
        while time.monotonic() < deadline:
            n += 1
            await store.journal.append(step("s2", n))
    assert n > 50
    assert sum("flush failed" in line["event"] for line in logs) < 8
    data.unlink()
    await store.stop()


async def test_a_row_that_fits_no_table_holds_up_nobody(store):
    """A row that no table takes is set aside, loudly; those around it arrive."""
    bad = [
        Record("agent_steps", b'{"session_id":"s1","seq":"one"}'),
        Record("agent_steps", b'{"session_id":"s1","surprise":1}'),
        Record("agent_steps", b"{not json"),
        Record("no_such_table", b"{}"),
    ]
    with capture_logs() as logs:
        await store.journal.append(step("s1", 1), *bad, step("s1", 2))
        await flushed(store)
    assert [r["seq"] for r in table_rows(store, agent_steps.TABLE)] == [1, 2]
    aside = sorted((store.folder.path / "damaged").glob("journal-*.jsonl"))
    assert sorted(path.read_bytes().strip() for path in aside) == sorted(r.body for r in bad)
    assert len([line for line in logs if line["event"] == "rows set aside"]) == 4


async def test_stop_flushes_and_a_restart_goes_on(tmp_path):
    """A stop leaves nothing in the journal; the next start numbers on."""
    numbers = []
    for n in range(1, 4):
        store = Store(tmp_path, flush_s=30)
        await store.start()
        await store.journal.append(step("s1", n))
        await store.stop()
        await store.stop()
        numbers += [row["journal_n"] for row in table_rows(store, agent_steps.TABLE)][-1:]
    assert numbers == [1, 2, 3]


async def test_a_full_journal_waits_for_the_flush(tmp_path):
    """With room for 100 rows, 2,000 are appended all the same: appends wait for the flush, which
    comes at once and not at its next turn."""
    store = Store(tmp_path, flush_s=0.05, max_pending=100)
    await store.start()
    highest = 0

    async def session(name):
        nonlocal highest
        for n in range(1, 101):
            await store.journal.append(step(name, n))
            highest = max(highest, store.journal.pending)

    await asyncio.wait_for(asyncio.gather(*(session(f"s{s}") for s in range(20))), 60)
    await flushed(store)
    assert len(table_rows(store, agent_steps.TABLE)) == 2_000
    assert highest <= 100 + 20
    await store.stop()


@pytest.mark.parametrize("killed", [False, True])
async def test_a_clean_up_deletes_no_version_that_is_noted_as_safe(store, monkeypatch, killed):
    """Of a table with an index it commits again: what a start would go back to has to be there,
    also if it was killed right after that."""
    monkeypatch.setattr("store.lance.compaction.IDLE_S", 0.1)
    monkeypatch.setattr("store.lance.compaction.KEEP", timedelta(seconds=2))
    flush, compaction = store._flush, store._flush._compaction
    optimize, cleans, waited = compaction._optimize, compaction._cleans, asyncio.Event()
    monkeypatch.setattr(compaction, "_cleans", lambda *each: waited.is_set() and cleans(*each))

    def cleaning(name, table, older_than):
        done = optimize(name, table, older_than)
        if killed and older_than < timedelta(days=1):  # it cleaned up
            monkeypatch.setattr(flush, "_note_newest", lambda: None)
        return done

    monkeypatch.setattr(compaction, "_optimize", cleaning)
    for first in (1, 10):  # after the second compaction the clean-up commits: it merges the index
        compaction.compacted_at.clear()
        for n in range(first, first + 3):
            row = {"session_id": f"s{n}", "agent_id": "a", "agent_type": "joke", "config": "{}"}
            row |= {"created_by": "tester", "created_at": n, "metadata": "{}"}
            await store.journal.append(agents_config.record(row))
            await flushed(store)
        await until_async(lambda: "agents_config" in compaction.compacted_at, "it is compacted")
    await asyncio.sleep(2.5)  # what is noted is older than `KEEP`, as in a worker that is idle
    waited.set()
    path = store.folder.path / "agents_config.lance/_versions"

    def there():
        return [2**64 - 1 - int(each.stem) for each in path.glob("*.manifest")]

    await until_async(lambda: min(there()) > 3, "old ones are deleted")
    await asyncio.sleep(0.5)
    log = store.folder.open_log("process")
    try:
        assert log.synced_versions()["agents_config"] in there()
    finally:
        log.close()


async def test_a_version_that_is_gone_holds_up_no_flush(store):
    """A folder in which one that was noted is deleted: the newest is kept, with each row once."""
    table, opened = store._flush._tables["agent_steps"]
    for n in range(1, 4):
        await store.journal.append(step("s1", n))
        await flushed(store)
    with capture_logs() as said:
        go_back(table, opened, 999)
    assert said[0]["event"] == "a version that was on disk for good is gone"
    assert len(table_rows(store, agent_steps.TABLE)) == 3
