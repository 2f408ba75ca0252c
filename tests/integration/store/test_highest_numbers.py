"""The highest number of a table is noted with its synced version: a start reads no column."""

import asyncio
import signal

import pytest

from store import agent_state, agent_steps, messages, starting
from store.store import Store
from tests.integration.store.support import child, copied, message, step
from tests.support.waiting import until_async

_BETWEEN = """
import asyncio, os, signal, sys
from store.store import Store
from tests.integration.store.support import step

async def main():
    store = Store(sys.argv[1], flush_s=0.01)
    await store.start()
    store._flush._safe.sync = lambda: os.kill(os.getpid(), signal.SIGKILL)
    await store.journal.append(step("s", 3))
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def fill(folder):
    store = Store(folder, flush_s=0.02)
    await store.start()
    await store.journal.append(step("s", 1), message("c", 1, "hi"), step("s", 2))
    await until_async(lambda: store.journal.pending == 0)
    await store.stop()


full, folder = copied(fill)


@pytest.fixture
def read(monkeypatch):
    """The names of the tables of which the numbers are read."""
    names, real = [], starting.highest_number

    def highest_number(opened):
        names.append(opened.name)
        return real(opened)

    monkeypatch.setattr(starting, "highest_number", highest_number)
    return names


async def started(folder):
    store = Store(folder, flush_s=0.02)
    await store.start()
    await store.journal.append(step("s", 4))
    await until_async(lambda: store.journal.pending == 0)
    rows = agent_steps.list_steps("s", store=store.reader)
    numbers = [row["journal_n"] for row in rows]
    assert len(store.reader.table(agent_steps.TABLE).search().limit(None).to_list()) == len(rows)
    await store.stop()
    return numbers


FLUSHED = {agent_steps.TABLE.name, agent_state.TABLE.name, messages.TABLE.name}


async def test_a_start_reads_no_column(folder, read):
    """What was flushed is known by its version; numbers go on behind it."""
    assert (await started(folder))[-1] == 4
    assert not FLUSHED & set(read)


async def test_a_kill_between_the_commit_and_its_note(folder, read):
    """The table's version is not the noted one: its numbers are read, and no row is there twice."""
    process = child(_BETWEEN, folder)
    await asyncio.to_thread(process.communicate, timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert await started(folder) == [1, 2, 4, 5]
    assert {agent_steps.TABLE.name, agent_state.TABLE.name} <= set(read)
    assert messages.TABLE.name not in read
