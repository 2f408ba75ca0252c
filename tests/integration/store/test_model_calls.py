"""The record of model calls: read from journal and table as one, kept for some days."""

import asyncio
import shutil
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import lancedb
import orjson
import pytest
from structlog.testing import capture_logs

from store import agent_steps, model_calls
from store.journal.file import Record
from store.lance.retention import EVERY_S, Retention, delete_older
from store.model_calls import list_calls
from store.queue import table as queue
from store.reading import Reader
from store.store import Store
from tests.integration.store.support import step
from tests.support.paying_agents import call_record
from tests.support.waiting import until_async

NOW = datetime.now(UTC)


def call(session_id, seq, *, days_ago=0.0, **more):
    queued_at = int((NOW - timedelta(days=days_ago)).timestamp() * 1_000_000)
    ids = {"session_id": session_id, "agent_id": "a", "step": 1, "seq": seq}
    row = ids | asdict(call_record(queued_at=queued_at, **more))
    return Record("model_calls", orjson.dumps(row))


@pytest.fixture
async def started(tmp_path, empty_folder):
    folder = tmp_path / "data"
    shutil.copytree(empty_folder, folder)
    stores = []

    async def start(**parts):
        store = Store(folder, **{"flush_s": 0.02, **parts})
        await store.start()
        stores.append(store)
        return store

    yield start
    for store in stores:
        await store.stop()


def texts(rows):
    return [row["answer"] for row in rows]


async def flushed(store, rows):
    await until_async(
        lambda: (
            store.reader.table(model_calls.TABLE).count_rows() == rows and not store.journal.pending
        )
    )


@pytest.mark.parametrize("where", ["journal", "table", "both"])
async def test_calls_are_read_wherever_they_are(started, where):
    """By session, by the row they led to, a page at a time, oldest first."""
    store = await started(flush_s=60 if where == "journal" else 0.02)
    first = [call("s", 1, answer="one"), call("s", 1, answer="two"), call("t", 1, answer="not")]
    await store.journal.append(step("s", 1), *first)
    if where == "both":
        await flushed(store, 3)
        store._flush._every_s = 60
        await asyncio.sleep(0)
    last = [call("s", None, answer="three"), call("s", 2, answer="four", sent_at=1_700_000_000_000)]
    await store.journal.append(*last)
    if where == "table":
        await flushed(store, 5)
    found = list_calls("s", store=store.reader)
    assert texts(found) == ["one", "two", "three", "four"]
    assert [row["seq"] for row in found] == [1, 1, None, 2]
    assert (found[0]["sent_at"], found[3]["sent_at"].year) == (None, 1970)
    assert abs(found[0]["queued_at"] - NOW) < timedelta(milliseconds=1)
    assert texts(list_calls("s", seq=1, store=store.reader)) == ["one", "two"]
    assert texts(list_calls("s", seq=3, store=store.reader)) == []
    page = list_calls("s", limit=3, store=store.reader)
    assert texts(page) == ["one", "two", "three"]
    rest = list_calls("s", after=page[-1]["journal_n"], store=store.reader)
    assert texts(rest) == ["four"]


async def test_a_page_of_many_is_the_oldest(started):
    """Rows beyond it are not read whole."""
    store = await started()
    await store.journal.append(*(call("s", n, answer=str(n)) for n in range(200)))
    await flushed(store, 200)
    assert texts(list_calls("s", limit=60, store=store.reader)) == [str(n) for n in range(60)]


async def test_old_calls_are_forgotten(started):
    """Those before the limit, no others; where there are none, nothing is committed."""
    store = await started()
    await store.journal.append(
        *(
            call("s", n, days_ago=days, answer=str(days))
            for n, days in enumerate((20, 14.1, 13.9, 0))
        )
    )
    await flushed(store, 4)
    opened = store.reader.table(model_calls.TABLE)
    assert delete_older(opened, model_calls.TABLE, 14) == 2
    assert texts(list_calls("s", store=store.reader)) == ["13.9", "0"]
    version = opened.version
    assert delete_older(opened, model_calls.TABLE, 14) == 0
    assert opened.version == version


async def test_the_flush_forgets_now_and_then(started):
    """By itself, at the start and each hour; the limit may change meanwhile."""
    store = await started()
    await store.journal.append(call("s", 1, days_ago=3), call("s", 2))
    await flushed(store, 2)
    store._flush.retention.due_at = 0.0
    await asyncio.sleep(0.1)
    assert store.reader.table(model_calls.TABLE).count_rows() == 2, "no limit, nothing is forgotten"
    with capture_logs() as logs:
        store.keep_records_for(2)
        await flushed(store, 1)
        await until_async(lambda: any("old records" in line["event"] for line in logs))
    assert store._flush.retention.due_at > 0
    await store.stop()
    store = await started(record_days=2)
    await store.journal.append(step("s", 1))
    await until_async(lambda: store._flush.retention.due_at > 0)
    assert texts(list_calls("s", store=store.reader)) == ["so"]


async def test_an_older_folder_gets_the_table(started, tmp_path):
    """A folder from before there were records opens, and takes them."""
    shutil.rmtree(tmp_path / "data" / "model_calls.lance")
    store = await started()
    await store.journal.append(call("s", 1))
    await flushed(store, 1)
    columns = {
        column for i in store.reader.table(model_calls.TABLE).list_indices() for column in i.columns
    }
    assert columns == {"session_id", "seq"}


async def test_calls_without_a_row_are_no_damage(started):
    """A record whose `seq` is null is in the index too: nothing is mended at the next start."""
    store = await started()
    await store.journal.append(call("s", None))
    await flushed(store, 1)
    await store.stop()
    store = await started()
    assert store.repaired == []


async def test_a_torn_table_is_repaired(started, tmp_path):
    """As every table: what is journalled comes back, the worker starts."""
    store = await started()
    # The journal does not hear that the table's commit is synced.
    store.journal.forget = store._flush._note_files = lambda *_arguments: None
    await store.journal.append(call("s", 1, answer="kept"))
    await until_async(lambda: store.reader.count(model_calls.TABLE, "true") == 1)
    await store.stop()
    newest = min((tmp_path / "data" / "model_calls.lance" / "_versions").glob("*.manifest"))
    newest.write_bytes(b"")
    store = await started()
    assert store.repaired[0].table == "model_calls"
    await store.journal.append(call("s", 2, answer="new"))
    assert "kept" in texts(list_calls("s", store=store.reader))
    assert "new" in texts(list_calls("s", store=store.reader))


def test_tables_without_a_retention_are_left_alone():
    """Where no table names a time for it, nothing is deleted, and nothing becomes due later."""
    retention = Retention(days=1)
    retention.run([(agent_steps.TABLE, None), (queue.TABLE, None)])
    assert retention.due_at == 0.0


DAY_S = 86_400


@pytest.mark.parametrize("jump_s", [2, 3_600, DAY_S, 4 * 365 * DAY_S])
@pytest.mark.parametrize("at_start", [False, True], ids=["amid", "at the start"])
async def test_a_clock_that_is_ahead_deletes_nothing(started, jump_s, at_start):
    """Deletion is for good: neither the first look nor a later one takes the clock's word alone."""
    store = await started()
    await store.journal.append(call("s", 1, days_ago=1.5), call("s", 2))
    await flushed(store, 2)
    tables = [(model_calls.TABLE, store.reader.table(model_calls.TABLE))]
    off = {"clock": 0.0, "passed": 0.0}
    retention = Retention(
        2, clock=lambda: time.time() + off["clock"], passed=lambda: 10.0 + off["passed"]
    )
    if not at_start:
        retention.run(tables)
    off["clock"], off["passed"] = jump_s, EVERY_S
    retention.run(tables)
    assert tables[0][1].count_rows() == 2
    off["clock"], off["passed"] = 0.0, 2 * EVERY_S
    retention.run(tables)
    assert tables[0][1].count_rows() == 2


async def test_what_is_old_by_two_looks_is_deleted(started):
    """Also where nothing new has come for long; a clock that was back does not keep it for ever."""
    store = await started()
    await store.journal.append(call("s", 1, days_ago=9), call("s", 2, days_ago=8))
    await flushed(store, 2)
    tables = [(model_calls.TABLE, store.reader.table(model_calls.TABLE))]
    off = {"clock": -400 * DAY_S, "passed": 0.0}
    retention = Retention(
        5, clock=lambda: time.time() + off["clock"], passed=lambda: 10.0 + off["passed"]
    )
    retention.run(tables)
    off["clock"] = 0.0
    for hours in (1, 2):
        assert tables[0][1].count_rows() == 2
        off["clock"] += EVERY_S
        off["passed"] = hours * EVERY_S
        retention.run(tables)
    assert tables[0][1].count_rows() == 0


async def test_an_older_folder_is_read_before_its_worker_has_started(started, tmp_path):
    """What its table has no column for yet is empty."""
    store = await started()
    await store.journal.append(call("s", 1))
    await flushed(store, 1)
    await store.stop()
    lancedb.connect(tmp_path / "data").open_table("model_calls").drop_columns(["node"])
    found = Reader(tmp_path / "data")
    for rows in (list_calls("s", store=found), model_calls.list_calls_in_brief("s", store=found)):
        assert [(row["session_id"], row["node"]) for row in rows] == [("s", None)]
