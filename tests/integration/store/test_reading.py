"""Readers see table and journal as one: nothing missed, nothing twice, from any process."""

import asyncio
import threading
import time
from datetime import UTC, datetime

import pytest

from store import agent_state, agent_steps, agents_config, conversations, messages
from store.errors import RowInvalidError
from store.journal.rows import as_record
from store.lance.tables import connect
from store.reading import Reader, reader
from store.store import Store
from tests.integration.store.support import child, lines_of, message, step
from tests.support import data_folder
from tests.support.waiting import until, until_async


async def test_pages_of_steps_cross_the_border_of_table_and_journal(store):
    """`after_seq` and `limit` page through the log, over the border of table and journal."""
    await store.journal.append(*(step("s1", n) for n in range(1, 31)))
    await until_async(lambda: store.journal.pending == 0)
    store.folder.journal.stat()
    await store.journal.append(*(step("s1", n) for n in range(31, 61)), step("s2", 1))
    for limit in (1, 7, 30, 60, 1_000):
        seen, after = [], 0
        while page := agent_steps.list_steps("s1", after, limit, store=store.reader):
            assert len(page) <= limit
            seen += [row["seq"] for row in page]
            after = seen[-1]
        assert seen == list(range(1, 61))
    assert agent_steps.list_steps("s1", 60, store=store.reader) == []
    assert agent_steps.list_steps("s1", 0, 0, store=store.reader) == []
    assert agent_steps.list_steps("nobody", store=store.reader) == []
    [row] = agent_steps.list_steps("s1", 4, 1, store=store.reader)
    assert list(row) == [*agent_steps.TABLE.schema.names, "demonstration"]
    assert row["created_at"] == datetime.fromtimestamp(1_700_000_000, UTC).replace(microsecond=5)


async def test_steps_frame_equals_list_steps(store):
    """The frame has the same rows and columns as the list, also when it is empty."""
    await store.journal.append(*(step("s1", n) for n in range(1, 11)))
    frame = agent_steps.steps_frame("s1", 2, 5, store=store.reader)
    listed = agent_steps.list_steps("s1", 2, 5, store=store.reader)
    assert list(frame.columns) == [*agent_steps.TABLE.schema.names, "demonstration"]
    assert frame["seq"].tolist() == [row["seq"] for row in listed] == [3, 4, 5, 6, 7]
    assert frame["text"].tolist() == [row["text"] for row in listed]
    assert list(frame["created_at"]) == [row["created_at"] for row in listed]
    empty = agent_steps.steps_frame("nobody", store=store.reader)
    assert list(empty.columns) == list(frame.columns)
    assert len(empty) == 0


async def test_messages_are_found_by_number(store):
    """Messages come by number, with their page; the last number and single ones are found."""
    await store.journal.append(*(message("c1", n, f"m{n}") for n in range(1, 6)))
    await store.journal.append(message("c2", 1, "else"))
    for _ in range(2):
        listed = messages.list_messages("c1", 1, 3, store=store.reader)
        assert [row["text"] for row in listed] == ["m2", "m3", "m4"]
        assert messages.last_number("c1", store=store.reader) == 5
        assert messages.last_number("c0", store=store.reader) == 0
        assert messages.get_message("c2-1", store=store.reader)["text"] == "else"
        assert messages.get_message("c2-2", store=store.reader) is None
        await until_async(lambda: store.journal.pending == 0)


_READ = """
import sys, time
from store.reading import Reader
from store import agent_state, agent_steps
reader = Reader(sys.argv[1])
after, iteration, reads, last = 0, {}, 0, False
print("ready")
while not last:
    rows = agent_steps.list_steps("s0", 0, 1_000_000, store=reader)
    whole = [row["seq"] for row in rows]
    assert whole == list(range(1, len(whole) + 1)), "missed or doubled"
    page = agent_steps.list_steps("s0", after, 100, store=reader)
    numbers = [row["seq"] for row in page]
    assert numbers == list(range(after + 1, after + 1 + len(page))), "missed or doubled"
    assert len(whole) >= after, "a row that was seen has gone"
    after = page[-1]["seq"] if page else after
    last = bool(page) and page[-1]["text"] == "last"
    for row in agent_state.list_agent_states(store=reader):
        assert row["iteration"] >= iteration.get(row["session_id"], 0), "went back"
        iteration[row["session_id"]] = row["iteration"]
    assert iteration.get("s0", 0) >= after, "the state is behind the log"
    reads += 1
print("reads", reads)
"""


async def test_reading_while_rows_are_flushed(tmp_path):
    """During appends and flushes, from another process and from a thread of this one: the log has
    no hole and nothing twice in any read, and no session's state goes back."""
    store = Store(tmp_path, flush_s=0.02)
    await store.start()
    process = child(_READ, tmp_path)
    await asyncio.to_thread(process.stdout.readline)
    failures = []
    ended = threading.Event()

    def read():
        own, iteration = Reader(tmp_path), {}
        while not ended.is_set():
            whole = [r["seq"] for r in agent_steps.list_steps("s1", 0, 10_000, store=own)]
            if whole != list(range(1, len(whole) + 1)):
                failures.append(whole)
            for row in agent_state.list_agent_states(store=own):
                if row["iteration"] < iteration.get(row["session_id"], 0):
                    failures.append(row)
                iteration[row["session_id"]] = row["iteration"]

    thread = threading.Thread(target=read)
    thread.start()
    log, n = Reader(tmp_path).table(agent_steps.TABLE), 0
    while log.version < 25:
        n += 1
        await store.journal.append(*(step(f"s{s}", n) for s in range(3)))
        await asyncio.sleep(0.002)  # spreads the rows over many flushes
    await store.journal.append(step("s0", n + 1, text="last"))
    [printed] = await asyncio.to_thread(lines_of, process)
    ended.set()
    await asyncio.to_thread(thread.join)
    await store.stop()
    assert failures == []
    assert int(printed[-1].split()[1]) >= 5


def test_all_readers_work_without_a_worker(tmp_path, monkeypatch):
    """All readers work on a folder where nothing has run, by REINS_DATA alone."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "new"))
    assert agent_state.list_agent_states() == []
    assert agent_state.get_agent_state("a1") is None
    assert agent_steps.list_steps("a1") == []
    assert messages.list_messages("c1") == []
    assert agents_config.list_configs() == {}
    assert conversations.get_conversation("c1") is None
    agent_state.upsert_agent_state("a1", status="paused")
    assert agent_state.get_agent_state("a1")["status"] == "paused"


async def test_reading_journalled_rows_after_the_worker_has_gone(tmp_path):
    """Rows that are only in the journal are read by a process that starts after the crash."""
    code = """
    import asyncio, os, sys
    from store.store import Store
    from tests.integration.store.support import step

    async def main():
        store = Store(sys.argv[1], flush_s=60)
        await store.start()
        await store.journal.append(*(step("s1", n) for n in range(1, 6)))
        os._exit(0)
    asyncio.run(main())
    """
    await asyncio.to_thread(lines_of, child(code, tmp_path))
    data_folder.stored(tmp_path)
    own = Reader(tmp_path)
    assert [row["seq"] for row in agent_steps.list_steps("s1", store=own)] == [1, 2, 3, 4, 5]
    assert agent_state.get_agent_state("s1", store=own)["iteration"] == 5
    assert own.table(agent_steps.TABLE).count_rows() == 0


async def test_upsert_keeps_what_it_is_not_given(store):
    """An upsert changes the named columns and no others, before and after a flush; dicts become
    JSON; times stay times."""
    own = store.reader
    agent_state.upsert_agent_state("a1", status="paused", context={"subject": "cats"}, store=own)
    first = agent_state.get_agent_state("a1", store=own)
    for n in range(3):
        agent_state.upsert_agent_state("a1", result=f"r{n}", store=own)
        await until_async(lambda: store.journal.pending == 0)
    row = agent_state.get_agent_state("a1", store=own)
    assert (row["status"], row["context"], row["result"]) == ("paused", '{"subject": "cats"}', "r2")
    assert row["created_at"] == first["created_at"]
    assert row["updated_at"] > first["updated_at"]
    agent_state.upsert_agent_state("a1", "other", status="running", store=own)
    assert len(agent_state.list_agent_states(store=own)) == 2
    assert [r["session_id"] for r in agent_state.list_agent_states(["paused"], store=own)] == ["a1"]
    assert agent_state.get_agent_state("a2", "other", store=own) is None


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"statsu": "paused"}, "statsu"),
        ({"journal_n": 5}, "journal_n"),
        ({"iteration": "many"}, "agent_state.iteration"),
        ({"iteration": 2**63}, "agent_state.iteration"),
        ({"result": 5}, "agent_state.result"),
        ({"created_at": "yesterday"}, "agent_state.created_at"),
    ],
)
async def test_upsert_of_what_does_not_fit(store, columns, named):
    """A wrong column or value is refused by name, and nothing of it reaches the journal."""
    with pytest.raises(RowInvalidError, match=named):
        agent_state.upsert_agent_state("a1", store=store.reader, **columns)
    assert agent_state.list_agent_states(store=store.reader) == []


async def test_upserts_from_other_processes_beside_the_worker(store):
    """Two processes change different columns of one row, over and over, while the worker writes:
    no change of either is lost, and the worker's own rows keep their order."""
    code = """
    import sys
    from store import agent_state
    from store.reading import Reader
    reader = Reader(sys.argv[1])
    for n in range(20):
        agent_state.upsert_agent_state("shared", store=reader, **{sys.argv[2]: str(n)})
        assert agent_state.get_agent_state("shared", store=reader)[sys.argv[2]] == str(n)
    """
    others = [child(code, store.folder.path, column) for column in ("result", "error")]
    waiting = asyncio.create_task(asyncio.to_thread(lines_of, *others))
    n = 0
    while not waiting.done():
        n += 1
        await store.journal.append(step("s1", n))
    await waiting
    row = agent_state.get_agent_state("shared", store=store.reader)
    assert (row["result"], row["error"]) == ("19", "19")
    steps = agent_steps.list_steps("s1", 0, 100_000, store=store.reader)
    assert [row["seq"] for row in steps] == list(range(1, n + 1))
    numbers = [row["journal_n"] for row in steps]
    assert numbers == sorted(set(numbers))


async def test_an_upsert_does_not_take_a_session_back(store):
    """An upsert keeps the newest: nobody appends between its reading and its writing, so
    it never brings back an older snapshot of a session that writes beside it."""
    loop, beside = asyncio.get_running_loop(), []

    async def append():
        await store.journal.append(step("s1", 2))

    def make():
        row = agent_state.get_agent_state("s1", store=store.reader)
        assert row["iteration"] == 1
        beside.append(asyncio.run_coroutine_threadsafe(append(), loop))
        with pytest.raises(TimeoutError):
            beside[0].result(timeout=0.3)
        del row["journal_n"]
        return as_record(agent_state.TABLE, row | {"error": "noted"})

    await store.journal.append(step("s1", 1))
    await asyncio.to_thread(store.reader.append, make)
    await asyncio.wrap_future(beside[0])
    row = await asyncio.to_thread(agent_state.get_agent_state, "s1", store=store.reader)
    assert row["iteration"] == 2


@pytest.mark.parametrize("moved", ["before the table is read", "after the table is read"])
async def test_a_row_that_is_flushed_during_a_read(tmp_path, moved):
    """A row that leaves the journal for the table in the middle of a read is seen once."""
    store = Store(tmp_path, flush_s=600)
    await store.start()
    reads = []

    class Watched(Reader):
        def _read(self, table, read, nothing):
            reads.append(table.name)
            if moved.startswith("before"):
                flush()
            rows = super()._read(table, read, nothing)
            if moved.startswith("after"):
                flush()
            return rows

    def flush():
        store._flush.wake()
        until(lambda: store.journal.pending == 0)

    own = Watched(tmp_path)
    for n in range(1, 4):
        await store.journal.append(step("s1", n))
        rows = await asyncio.to_thread(agent_steps.list_steps, "s1", store=own)
        assert [row["seq"] for row in rows] == list(range(1, n + 1))
        await store.journal.append(step("s2", n))
        states = await asyncio.to_thread(agent_state.list_agent_states, store=own)
        assert [row["iteration"] for row in states] == [n, n]
    assert len(reads) == 5  # the first page of the log was all journalled
    await store.stop()


async def test_a_page_that_is_all_journalled_reads_no_table(tmp_path):
    """The row after the cursor is journalled, and so are all that follow it."""
    store = Store(tmp_path, flush_s=600)
    await store.start()
    reads = []

    class Watched(Reader):
        def _read(self, table, read, nothing):
            reads.append(table.name)
            return super()._read(table, read, nothing)

    own = Watched(tmp_path)
    await store.journal.append(*(step("s1", n) for n in range(1, 5)))
    store._flush.wake()
    await until_async(lambda: store.journal.pending == 0)
    await store.journal.append(*(step("s1", n) for n in range(5, 8)))
    for after, limit, expected, tables in [
        (4, 100, [5, 6, 7], 0), (5, 1, [6], 0), (7, 9, [], 1), (3, 3, [4, 5, 6], 1),
        (0, 2, [1, 2], 1),
    ]:  # fmt: skip
        reads.clear()
        rows = await asyncio.to_thread(agent_steps.list_steps, "s1", after, limit, store=own)
        assert [row["seq"] for row in rows] == expected
        assert len(reads) == tables
    reads.clear()
    state = await asyncio.to_thread(agent_state.get_agent_state, "s1", store=own)
    assert state["iteration"] == 7
    assert not reads
    await store.stop()


async def test_a_table_from_before_there_was_a_journal_is_paged(tmp_path):
    """Its rows have no number, and no worker has run since."""
    store = Store(tmp_path, flush_s=600)
    await store.start()
    await store.journal.append(*(step("s1", n) for n in range(1, 5)))
    await store.stop()
    connect(tmp_path).open_table(agent_steps.TABLE.name).drop_columns(["journal_n"])
    rows = agent_steps.list_steps("s1", 1, 2, store=Reader(tmp_path))
    assert [(row["seq"], row["journal_n"]) for row in rows] == [(2, None), (3, None)]


async def test_a_compaction_in_the_middle_of_a_page_hides_no_row(tmp_path):
    """A page is read by the ids of its rows, and a compaction gives rows other ids."""
    store = Store(tmp_path, flush_s=600)
    await store.start()
    for n in range(1, 5):
        await store.journal.append(*(step(f"s{k}", n) for k in range(3)))
        store._flush.wake()
        await until_async(lambda: store.journal.pending == 0)
    own = Reader(tmp_path)
    opened, ids = own.table(agent_steps.TABLE), []

    class Compacting:
        """The table, compacted once between the two questions of a page."""

        def __getattr__(self, name):
            return getattr(opened, name)

        def take_row_ids(self, row_ids):
            if not ids:
                opened.optimize()
            ids.append(row_ids)
            return opened.take_row_ids(row_ids)

    own._tables[agent_steps.TABLE.name] = Compacting()
    for _ in range(2):
        rows = await asyncio.to_thread(agent_steps.list_steps, "s1", store=own)
        assert [(row["session_id"], row["seq"]) for row in rows] == [("s1", n) for n in range(1, 5)]
    assert len(ids) == 2
    assert ids[0] != ids[1]
    await store.stop()


async def test_rows_that_are_picked_are_those_that_are_stored(store):
    """Of all columns or of some, of rows that fit or none."""
    await store.journal.append(*(step(f"s{n % 3}", n // 3 + 1) for n in range(30)))
    await until_async(lambda: store.journal.pending == 0)
    own, table = Reader(store.folder.path), agent_steps.TABLE
    for where in ("journal_n > 7 AND journal_n <= 19", "session_id = 's2'", "seq > 50"):
        for columns in (None, ["text", "journal_n"]):
            picked = await asyncio.to_thread(own.picked, table, where, columns)
            stored = await asyncio.to_thread(own.stored, table, where, columns)
            assert picked.schema.names == (columns or table.schema.names)
            assert picked.sort_by("journal_n").to_pylist() == stored.to_pylist()
    assert len(picked) == 0


async def test_five_thousand_sessions_are_listed_within_a_second(store):
    """`list_agent_states` of 5,000 sessions takes well under a second, from journal and table."""
    await store.journal.append(*(step(f"s{n:04}", 1) for n in range(5_000)))
    await until_async(lambda: store.journal.pending == 0)
    await store.journal.append(*(step(f"s{n:04}", 2) for n in range(5_000)))
    own = Reader(store.folder.path)
    took = []
    for _ in range(3):
        started = time.perf_counter()
        rows = agent_state.list_agent_states(store=own)
        took.append(time.perf_counter() - started)
        assert len(rows) == 5_000
        assert {row["iteration"] for row in rows} == {2}
    assert min(took) < 2.0


def test_the_readers_of_a_path_are_one(tmp_path):
    """Relative, user and absolute spellings of a folder share one reader."""
    assert reader(tmp_path) is reader(str(tmp_path))
