"""Segments that a process of its own puts together; where it fails, the worker does."""

import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from reins.search import child, merging, segments
from reins.search.index import INDICES, STORED, WORDS
from reins.search.passages import Passage, as_table
from reins.search.segments import Part, Segments, read_note
from store.lance.tables import connect
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(segments, "_FULL", 10)
    monkeypatch.setattr(segments, "_ELSEWHERE", 15)


@pytest.fixture
def processes(monkeypatch):
    """Those that are started for a merge."""
    started = []

    class Started(subprocess.Popen):
        def __init__(self, *given, **named):
            super().__init__(*given, **named)
            started.append(self)

    monkeypatch.setattr(merging.subprocess, "Popen", Started)
    return started


@pytest.fixture
def words(tmp_path):
    """Ten rows in a segment of the first level, and ten in a full one: 20 become one."""
    found = Segments(tmp_path, WORDS, INDICES[WORDS])
    found.open()
    found.begin(upto=0)
    for first in (1, 11):
        rows = as_table(
            Passage(
                n, "step", f"s{n}", None, "a", "joke", "tick", None, n, n, None, f"the duck {n}"
            )
            for n in range(first, first + 10)
        )
        found.add(rows.append_column("serial", rows["n"]).cast(STORED))
        if first == 1:
            found.settle()
    yield found
    found.close()


async def of_ducks(table):
    return (await table.query().nearest_to_text("duck").limit(100).to_arrow())["n"].to_pylist()


def ducks(folder):
    return sorted(Part(folder, WORDS).each(of_ducks))


def test_a_process_makes_the_segment_with_its_indices(words, processes, tmp_path):
    words.settle()
    assert [each.returncode for each in processes] == [0]
    [name] = read_note(tmp_path, WORDS)["segments"]
    table = connect(tmp_path).open_table(name)
    assert table.count_rows() == 20
    assert "text" in {column for index in table.list_indices() for column in index.columns}
    assert ducks(tmp_path) == list(range(1, 21))


def ignores(process, number):
    status = Path(f"/proc/{process.pid}/status").read_text()
    [ignored] = re.findall(r"SigIgn:\s*(\w+)", status)
    return int(ignored, 16) >> (number - 1) & 1


@pytest.mark.parametrize("program", [None, "/none", "/bin/false", "/bin/true"])
def test_where_no_process_does_it_the_worker_does(words, tmp_path, monkeypatch, program):
    """Its exit code is no proof: where nobody hears of children, each of them ends with 0."""
    monkeypatch.setattr(merging.sys, "executable", program)
    words.settle()
    assert ducks(tmp_path) == list(range(1, 21))
    assert len(read_note(tmp_path, WORDS)["segments"]) == 1


def test_a_process_that_is_killed_fails_the_merge(words, processes, tmp_path):
    """What had too much memory there would have too much here; it is tried again later."""
    threading.Thread(target=lambda: (until(lambda: processes), processes[0].kill())).start()
    with pytest.raises(RuntimeError, match="signal 9 ended"):
        words.settle()
    assert ducks(tmp_path) == list(range(1, 21))
    words.settle()
    assert [each.returncode for each in processes] == [-9, 0]
    assert ducks(tmp_path) == list(range(1, 21))
    assert len(read_note(tmp_path, WORDS)["segments"]) == 1


def test_who_asks_all_processes_to_stop_means_the_worker(words, processes, tmp_path):
    """A service's stop or Ctrl C reaches a process, too; it ends when the worker does."""

    def ask():
        until(lambda: processes and ignores(processes[0], signal.SIGTERM))
        for each in (signal.SIGINT, signal.SIGTERM):
            processes[0].send_signal(each)

    threading.Thread(target=ask).start()
    words.settle()
    assert [each.returncode for each in processes] == [0]
    assert ducks(tmp_path) == list(range(1, 21))


def test_a_process_ends_with_the_index(words, processes, tmp_path):
    """Nobody waits for what a closed index would have made."""
    words.keep_up()
    until(lambda: bool(processes))
    words.close()
    until(lambda: processes[0].returncode is not None)
    assert ducks(tmp_path) == list(range(1, 21))


def test_a_process_ends_with_who_started_it(tmp_path):
    """However that ends: its input is closed then."""
    line = [sys.executable, "-m", "reins.search.child", str(tmp_path), WORDS, "made", "none"]
    process = subprocess.Popen(line, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdin.close()
    assert process.wait(30) == child.LEFT_ALONE


def test_what_was_read_of_an_index_is_bounded_and_goes_with_its_segment(words, tmp_path):
    """So that files of segments that were put together with others are let go of."""
    part = Part(tmp_path, WORDS, 64 << 20)
    part.each(of_ducks)
    assert 0 < part.cache_bytes() <= segments.cache_bytes()
    before = set(part._opened)
    words.settle()
    assert sorted(part.each(of_ducks)) == list(range(1, 21))
    assert before.isdisjoint(part._opened)
