"""The queue's file and fork: a child appends by handles of its own, and loses nothing."""

import os
import signal
import threading
import time

import pytest

from agent_core.actions.action import create_action
from reins.threads import Threads
from store import forks, new_ids
from store.folder import DataFolder
from store.queue import table as queue
from store.queue.writer import QueueWriter, writer_at
from tests.integration.store.test_queue_file import action, names, started, waiting


def forked(work):
    """Do the work in a child; returns its process id."""
    if (pid := os.fork()) == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return pid


def ended(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


async def test_a_child_of_a_fork_outlives_the_handles_of_its_parent(tmp_path):
    """SQLite's locks are a process's own: a parent that closes takes itself for the last."""
    writer, folder = QueueWriter(tmp_path), DataFolder(tmp_path)
    writer.append(action("parent"))
    with folder.read_queue() as file:
        assert file.place().waiting == 1
    to_child, to_parent = os.pipe(), os.pipe()

    def append():
        writer.append(action("child-0"))
        with folder.read_queue() as file:
            assert file.place().waiting == 2
        os.write(to_parent[1], b"x")
        os.read(to_child[0], 1)
        writer.append(action("child-1"))

    pid = forked(append)
    os.read(to_parent[0], 1)
    writer.append(action("parent again"))
    writer.close()
    folder.close()
    os.write(to_child[1], b"x")
    assert ended(pid) == 0
    assert names(waiting(tmp_path)) == ["parent", "child-0", "parent again", "child-1"]
    assert [row[queue.NUMBER] for row in waiting(tmp_path)] == [1, 2, 3, 4]
    await started(tmp_path)


def test_a_fork_while_threads_append_leaves_no_lock_behind(tmp_path):
    """What threads of the parent wait for is the parent's: the child commits none of it."""
    writer, stop = writer_at(tmp_path), threading.Event()
    sent = []

    def append(n):
        while not stop.is_set():
            writer.append(made := action(f"thread-{n}"))
            sent.append(made["action_id"])

    threads = [threading.Thread(target=append, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    children = [forked(lambda: writer.append(action("child"))) for _ in range(5)]
    assert [ended(pid) for pid in children] == [0] * 5
    stop.set()
    for thread in threads:
        thread.join()
    there = [row["action_id"] for row in waiting(tmp_path) if row["agent_id"] != "child"]
    assert sorted(there) == sorted(sent)
    assert names(waiting(tmp_path)).count("child") == 5


@pytest.mark.parametrize("lock", [new_ids._lock, create_action.__globals__["_now"]._lock])
def test_a_fork_while_another_thread_makes_an_action(tmp_path, lock):
    """The child makes actions too: it does not wait for a thread that it has not."""
    held, writer = threading.Event(), QueueWriter(tmp_path)

    def make():
        with lock:
            held.set()
            time.sleep(0.2)

    def append():
        signal.alarm(20)  # ends a child that waits for ever
        writer.append(action("child"))

    thread = threading.Thread(target=make)
    thread.start()
    held.wait()
    assert ended(forked(append)) == 0
    thread.join()
    assert names(waiting(tmp_path)) == ["child"]


def test_a_child_in_a_folder_without_tables_needs_no_lancedb(tmp_path, monkeypatch):
    """LanceDB calls a fork experimental: what its threads did at that moment can end the child."""
    monkeypatch.setattr("store.lance.opening.connect", lambda _folder: 1 / 0)
    writer = QueueWriter(tmp_path)
    assert ended(forked(lambda: writer.append(action("child")))) == 0
    monkeypatch.undo()
    assert names(waiting(tmp_path)) == ["child"]


def test_a_fork_while_its_own_thread_reads(tmp_path, monkeypatch):
    """What cannot be closed is left, and nothing waits for ever."""
    monkeypatch.setattr("store.forks.PATIENCE_S", 0.1)
    writer, folder = QueueWriter(tmp_path), DataFolder(tmp_path)
    writer.append(action("parent"))
    with folder.read_queue():
        assert ended(forked(lambda: writer.append(action("child")))) == 0
    assert ended(forked(lambda: writer.append(action("child")))) == 0
    assert names(waiting(tmp_path)) == ["parent", "child", "child"]
    folder.close()


def test_one_that_fails_holds_up_no_other(tmp_path):
    """An exception before a fork leaves every lock free."""

    class Broken:
        def before_fork(self):
            raise OSError("broken")

        def after_fork(self, *, child):
            raise AssertionError(child)

    broken, writer = Broken(), QueueWriter(tmp_path)
    forks.know(broken)
    for _ in range(2):
        assert ended(forked(lambda: writer.append(action("child")))) == 0
    assert len(waiting(tmp_path)) == 2


def test_a_child_of_a_fork_has_threads_of_its_own():
    """Those of its parent are not there, and who waits for one of them waits for ever."""
    threads = Threads("looks", 1)
    assert threads.begin(os.getpid).result() == os.getpid()

    def asked():
        assert threads.begin(os.getpid).result(30) == os.getpid()

    assert ended(forked(asked)) == 0
