"""Rows get their indices between two compactions."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from store import agent_steps, flush
from store.agent_steps import list_steps
from store.flush import Flush
from store.lance import indexing
from store.lance.indexing import Indexing
from store.reading import Reader
from store.store import Store
from tests.integration.store.support import step
from tests.support.waiting import until_async


def unindexed(opened):
    return {
        index.columns[0]: opened.index_stats(index.name).num_unindexed_rows
        for index in opened.list_indices()
    }


async def test_rows_that_are_flushed_are_indexed_in_time(tmp_path, monkeypatch):
    """Without a compaction; every row is found, the version is noted, and a restart goes on."""
    monkeypatch.setattr(indexing, "ROWS", 30)
    store = Store(tmp_path, flush_s=0.02)
    await store.start()
    opened = store.reader.table(agent_steps.TABLE)
    for n in range(4):
        await store.journal.append(*(step(f"s{k}", n + 1) for k in range(25)))
        await until_async(lambda: store.journal.pending == 0)
    await until_async(lambda: sum(unindexed(opened).values()) <= 2 * 29)
    assert not store.compacted_at
    for k in range(25):
        rows = list_steps(f"s{k}", store=store.reader)
        assert [row["seq"] for row in rows] == [1, 2, 3, 4]
    await store.stop()
    store = Store(tmp_path, flush_s=0.02)
    await store.start()
    assert store.repaired == []
    await store.stop()


async def test_rows_are_indexed_although_others_keep_coming(tmp_path, monkeypatch):
    """A flush that has more to move each time makes the indices in between."""
    monkeypatch.setattr(indexing, "ROWS", 30)
    monkeypatch.setattr(flush, "_BATCH_ROWS", 25)
    done = []
    store = Store(tmp_path, flush_s=600)
    await store.start()
    moved, made = Flush._flush_batch, indexing.make_index
    monkeypatch.setattr(Flush, "_flush_batch", lambda own: done.append("moved") or moved(own))
    monkeypatch.setattr(
        indexing, "make_index", lambda *given: done.append(given[1]) or made(*given)
    )
    for n in range(4):
        await store.journal.append(*(step(f"s{k}", n + 1) for k in range(25)))
    store._flush.wake()
    await until_async(lambda: store.journal.pending == 0)
    await store.stop()
    assert done[:3] == ["moved", "moved", "session_id"]
    assert "moved" in done[3:]


async def test_a_stop_makes_no_index(tmp_path, monkeypatch):
    """It has a limit, and the next worker makes it."""
    monkeypatch.setattr(indexing, "ROWS", 30)
    monkeypatch.setattr(flush, "_BATCH_ROWS", 25)
    store = Store(tmp_path, flush_s=600)
    await store.start()
    made = []
    monkeypatch.setattr(indexing, "make_index", lambda *given: made.append(given))
    for n in range(4):
        await store.journal.append(*(step(f"s{k}", n + 1) for k in range(25)))
    await store.stop()
    assert not made
    assert Reader(tmp_path).count(agent_steps.TABLE, "seq > 0") == 100


class Counted:
    """A table that counts what is asked of it."""

    def __init__(self, rows, error=None):
        self.rows, self.error, self.made = rows, error, []

    def count_rows(self):
        return self.rows

    def create_index(self, column, **_given):
        self.made.append(column)
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    ("rows", "added", "due"),
    [(70_000, 59_999, False), (70_000, 60_000, True), (600_000, 60_000, False),
     (600_000, 100_000, True)],
)  # fmt: skip
def test_a_large_table_waits_for_more(rows, added, due):
    """What is made again grows with the table, and so does what is waited for."""
    each, table = Indexing(), Counted(rows)
    declared = SimpleNamespace(name="t", indices={"a": "BTREE", "b": "BITMAP"})
    each.added("t", added)
    assert each.run_due([(declared, table)], {}) is due
    assert table.made == (["a", "b"] if due else [])
    assert not each.run_due([(declared, table)], {})


def test_a_compaction_has_indexed_them_too():
    """After it the count begins anew."""
    each, table = Indexing(), Counted(70_000)
    pair = (SimpleNamespace(name="t", indices={"a": "BTREE"}), table)
    each.added("t", 60_000)
    assert not each.run_due([pair], {"t": datetime.now(UTC)})


def test_an_index_that_fails_ends_nothing():
    """It is said, and tried again after as many rows."""
    each, table = Indexing(), Counted(50_000, RuntimeError("no room"))
    pair = (SimpleNamespace(name="t", indices={"a": "BTREE"}), table)
    for tried in range(2):
        each.added("t", 60_000)
        assert each.run_due([pair], {})
        assert len(table.made) == tried + 1
