"""A group of actions that something breaks off in its middle is there whole, or not at all."""

import signal

import pytest

from store.queue import table as queue
from store.queue.writer import QueueWriter
from tests.integration.store.support import child
from tests.integration.store.test_queue_file import action, names, started, waiting

GROUP = 300
"""Three statements, in one commit."""
_BEGINS = f"""
import os, resource, signal, sys
import queue_imp
from store.errors import StoreError
from store.queue.writer import QueueWriter
def group(name):
    rows = (dict(agent_id=f"{{name}}-{{n}}", description="x" * 1_000) for n in range({GROUP}))
    return [queue_imp.create_action("agent_resume", "ann", **row) for row in rows]
writer = QueueWriter(sys.argv[1])
writer.append(*group("whole"))
connection = writer._opened()._connection
"""
_KILLED = """
inserts = []
def traced(statement):
    inserts.append(statement) if statement.startswith("INSERT INTO action") else None
    if len(inserts) == 2 or statement == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
connection.set_trace_callback(traced)
writer.append(*group("broken off"))
"""
_FULL = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
size = os.stat(f"{sys.argv[1]}/queue.sqlite-wal").st_size
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
connection.execute("PRAGMA cache_size = 10")  # what has no room goes out before the commit
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100_000, hard))
try:
    writer.append(*group("broken off"))
except StoreError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
writer.append(*group("after"))
print("done")
"""


def groups(folder):
    return [name for name in names(waiting(folder)) if name.endswith("-0")]


@pytest.mark.parametrize("at", ["the second statement", "COMMIT"])
async def test_a_helper_that_is_killed_in_a_group_has_enqueued_none_of_it(tmp_path, at):
    """What it had acknowledged is there, and the next action has the next number."""
    process = child(_BEGINS + _KILLED, tmp_path, at)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    QueueWriter(tmp_path).append(action("next"))
    assert groups(tmp_path) == ["whole-0"]
    assert len(waiting(tmp_path)) == GROUP + 1
    assert waiting(tmp_path)[-1][queue.NUMBER] == GROUP + 1
    await started(tmp_path)


async def test_a_disk_that_is_full_in_the_middle_of_a_group(tmp_path):
    """None of the group is acknowledged, none is there, and the next one goes in."""
    process = child(_BEGINS + _FULL, tmp_path)
    said, _ = process.communicate(timeout=60)
    refused, done = said.splitlines()
    assert "not acknowledged" in refused
    assert done == "done"
    assert groups(tmp_path) == ["whole-0", "after-0"]
    assert [row[queue.NUMBER] for row in waiting(tmp_path)] == list(range(1, 2 * GROUP + 1))
    await started(tmp_path)
