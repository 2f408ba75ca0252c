"""What the worker's memory must not claim: rows of others, deleted ones, more than has room."""

import os

import pytest

from store import webhook_calls
from store.agent_steps import TABLE as STEPS
from store.agent_steps import list_steps
from store.journal.log import open_log
from store.journal.memory import Memory
from store.reading import Reader
from tests.integration.store.support import step
from tests.integration.store.test_queue_forks import ended, forked
from tests.support.waiting import until_async


class Beside:
    """A handle of the log during whose query of the pending rows another process appends."""

    def __init__(self, log, other):
        self.log, self.other = log, other

    def __getattr__(self, name):
        return getattr(self.log, name)

    def pending_rows(self):
        found = self.log.pending_rows()
        self.other.append([step("a", 1)])
        return found


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "journal.sqlite"


@pytest.fixture
def remembered(journal):
    """A log, the memory of its process, and a reader of both."""
    memory = Memory()
    log = open_log(journal, "process", witness=memory)
    memory.open(lambda: open_log(journal, "process"))
    reader = Reader(journal.parent)
    reader.memory = memory
    yield log, memory, reader
    memory.close()
    log.close()


def seqs(rows):
    return [row["seq"] for row in rows]


def call(n):
    return webhook_calls.record(
        {"call_id": f"c{n}", "webhook": "w", "called_at": 1_900_000_000_000_000 + n}
    )


async def test_calls_of_webhooks_are_listed_while_they_are_flushed(store):
    """Their table loses rows that grow old: no earlier reading of it stands for it."""
    for n in range(1, 6):
        await store.journal.append(call(n))
        for _ in range(2):
            listed = webhook_calls.list_webhook_calls(store=store.reader)
            assert [row["call_id"] for row in listed] == [f"c{each}" for each in range(n, 0, -1)]
        await until_async(lambda: store.journal.pending == 0)


def test_a_row_that_comes_while_it_opens_is_pending(journal):
    """Nothing pending at one moment says nothing of the numbers of a later one."""
    other, memory = open_log(journal, "process"), Memory()
    memory.open(lambda: Beside(open_log(journal, "process"), other))
    [found] = memory.pending([STEPS.name], "a", newest=False)
    assert [number for number, _ in found] == [1]
    memory.close()
    other.close()


def test_a_page_lacks_no_row_beside_one_of_no_known_key(remembered):
    """Whichever row the key is unknown of: a damaged group has none."""
    log, _, reader = remembered
    for unknown in range(1, 11):
        name = f"s{unknown}"
        for seq in range(1, 11):
            key = "" if seq == unknown else name
            log.append([step(name, seq)._replace(key=key)])
        for after in range(11):
            for limit in (1, 3):
                expected = list(range(after + 1, min(10, after + limit) + 1))
                assert seqs(list_steps(name, after, limit, store=reader)) == expected


def test_a_child_of_a_fork_reads_what_its_parent_appends(remembered):
    """Nobody tells it of the commits, and its parent's handle is none of its own."""
    log, memory, reader = remembered
    log.append([step("a", 1)])
    assert seqs(list_steps("a", store=reader)) == [1]
    to_child = os.pipe()

    def read():
        os.read(to_child[0], 1)
        assert memory.forgotten_upto() is None
        assert seqs(list_steps("a", store=reader)) == [1, 2]

    pid = forked(read)
    log.append([step("a", 2)])
    os.write(to_child[1], b"x")
    assert ended(pid) == 0
    log.append([step("a", 3)])
    assert seqs(list_steps("a", store=reader)) == [1, 2, 3]
    assert memory.forgotten_upto() is not None


@pytest.mark.parametrize("whose", ["own", "other"])
def test_more_than_has_room_stays_in_the_file(remembered, journal, monkeypatch, whose):
    """Until a flush has made room; readers miss nothing meanwhile."""
    monkeypatch.setattr("store.journal.memory._PENDING_BYTES", 5_000)
    log, memory, reader = remembered
    appending = log if whose == "own" else open_log(journal, "process")
    for seq in range(1, 31):
        appending.append([step("a", seq)])
        assert seqs(list_steps("a", store=reader)) == list(range(1, seq + 1))
    assert memory.pending([STEPS.name], "a", newest=False) is None
    held = [chunk for tail in memory._tails.values() for chunk in tail.chunks]
    assert sum(chunk.size_bytes for chunk in held) < 20_000
    log.forget(28, 28, {}, {})
    memory.settle(aside=False)
    [found] = memory.pending([STEPS.name], "a", newest=False)
    assert [number for number, _ in found] == [29, 30]
    appending.close()
