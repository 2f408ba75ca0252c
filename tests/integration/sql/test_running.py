"""Bounds of a statement, and what becomes of the next one when a child is ended."""

import threading
import time

import psutil
import pytest

from reins.sql.errors import SqlBusyError, SqlCancelledError, StatementError
from reins.sql.runner import WAITING
from tests.integration.store.support import child
from tests.support.waiting import until

ENDLESS = "WITH RECURSIVE a AS (SELECT 1 UNION ALL SELECT 1 FROM a) SELECT count(*) FROM a"


class Asker(threading.Thread):
    """Somebody who asks in a thread, and may go away."""

    def __init__(self, runner, statement):
        super().__init__(daemon=True)
        self.left = threading.Event()
        self.found = None
        self._ask = lambda: runner.run(statement, cancelled=self.left.is_set)
        self.start()

    def run(self):
        try:
            self.found = self._ask()["rows"]
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.found = error

    def answer(self):
        self.join(60)
        return self.found


def begun(runner):
    """Somebody who asks for an endless statement, and the process that is at it."""
    runner.run("SELECT 1")
    process = psutil.Process(runner.pid)
    before = sum(process.cpu_times()[:2])
    asker = Asker(runner, ENDLESS)
    until(lambda: sum(process.cpu_times()[:2]) > before + 0.05, "it computes")
    return asker, process


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (ENDLESS, "longer than 1 s"),
        ("SELECT length(repeat('x', 2000000000))", r"longer|memory"),
        ("SELECT count(DISTINCT hash(r)) FROM range(400000000) t(r)", r"longer|memory"),
        ("SELECT list(repeat('x', 100000)) FROM range(1000000)", "memory"),
    ],
    ids=["endless", "a long text", "a large table", "a large list"],
)  # fmt: skip
def test_a_statement_that_takes_too_much(make_runner, statement, said):
    """It is ended within its time and memory, with what to do; the next one is answered."""
    runner = make_runner(sql_s=1, sql_mb=64)
    runner.run("SELECT 1")
    since = time.monotonic()
    with pytest.raises(StatementError, match=said) as ended:
        runner.run(statement)
    assert "REINS_SQL_" in str(ended.value)
    assert time.monotonic() - since < 10
    assert runner.run("SELECT 1")["rows"] == [[1]]


def test_rows_and_bytes_are_bounded(make_runner):
    """More rows than may are cut, as the asker is told; of large cells as many as fit are taken."""
    runner = make_runner(sql_rows=1_000)
    found = runner.run("SELECT * FROM range(1001)")
    assert (len(found["rows"]), found["truncated"]) == (1_000, True)
    found = runner.run("SELECT * FROM range(1000)")
    assert (len(found["rows"]), found["truncated"]) == (1_000, False)
    assert len(runner.run("SELECT * FROM range(9)", rows=2)["rows"]) == 2
    assert len(runner.run("SELECT * FROM range(2000)", rows=2_000)["rows"]) == 1_000
    found = runner.run("SELECT repeat('x', 5000000) FROM range(9)")
    assert (len(found["rows"]), found["truncated"]) == (3, True)
    with pytest.raises(StatementError, match=r"the first row has 20,000,\d+ bytes.*left\(text"):
        runner.run("SELECT repeat('x', 20000000)")


def test_a_child_that_is_killed(make_runner):
    """Its statement fails with a reason, and the next one has a new child."""
    runner = make_runner(sql_s=60)
    asker, process = begun(runner)
    process.kill()
    assert "the process for SQL ended" in str(asker.answer())
    assert runner.run("SELECT 1")["rows"] == [[1]]
    psutil.Process(runner.pid).kill()  # between two statements
    until(lambda: runner.pid is None)
    assert runner.run("SELECT 1")["rows"] == [[1]]


def test_several_at_once(make_runner):
    """One after the other, each with its own answer; beyond those that may wait it says so."""
    runner = make_runner(sql_s=60)
    askers = [Asker(runner, f"SELECT {n}") for n in range(WAITING + 1)]
    assert [asker.answer() for asker in askers] == [[[n]] for n in range(WAITING + 1)]
    first, _ = begun(runner)
    waiting = [Asker(runner, "SELECT 1") for _ in range(WAITING)]

    def refused():
        try:
            runner.run("SELECT 1", cancelled=lambda: True)
        except SqlBusyError as error:
            return error
        except SqlCancelledError:
            return None

    assert until(refused).retry_after_s == 60
    first.left.set()  # whose statement ends with it
    assert isinstance(first.answer(), SqlCancelledError)
    assert [asker.answer() for asker in waiting] == [[[1]]] * WAITING


def test_a_stop_ends_all(make_runner):
    """The statement that runs, those that wait, and the child; a second stop does nothing."""
    runner = make_runner(sql_s=60)
    first, process = begun(runner)
    second = Asker(runner, "SELECT 1")
    runner.stop()
    runner.stop()
    for asker in (first, second):
        assert isinstance(asker.answer(), SqlCancelledError)
    assert (runner.pid, process.is_running()) == (None, False)
    with pytest.raises(SqlCancelledError, match="being stopped"):
        runner.run("SELECT 1")


def test_a_child_ends_with_its_parent(data):
    """However the parent ended, and whatever the child does."""
    code = f"""
    import sys, threading, time
    from reins.settings import load_settings
    from reins.sql.runner import SqlRunner
    runner = SqlRunner(load_settings(data=sys.argv[1], sql="on", sql_s=60))
    runner.run("SELECT 1")
    print(runner.pid, flush=True)
    runner.run({ENDLESS!r})
    """
    parent = child(code, data)
    process = psutil.Process(int(parent.stdout.readline()))
    until(lambda: sum(process.cpu_times()[:2]) > 0)
    parent.kill()
    parent.communicate(timeout=30)
    until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
