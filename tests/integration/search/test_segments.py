"""Segments over a real folder: they grow by levels, and no kill or reader finds a row twice."""

import math
import threading
from itertools import pairwise

import pyarrow as pa
import pytest

from reins.search import segments as module
from reins.search.segments import Part, Segments, read_note
from tests.support.waiting import until


class KillError(BaseException):
    """Stands for the end of the process."""


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(module, "_FULL", 10)
    monkeypatch.setattr(module, "_FACTOR", 3)


def opened(folder):
    found = Segments(folder, "words", lambda table: table.create_index("n"))
    if not found.open():
        found.begin(upto=0)
    return found


def added(segments, first, last):
    segments.add(pa.table({"n": pa.array(range(first, last + 1), pa.int64())}))
    segments.note(upto=last)


def numbers(folder):
    async def ask(table):
        return (await table.query().to_arrow())["n"].to_pylist()

    return sorted(Part(folder, "words").each(ask))


def sizes(folder):
    async def ask(table):
        return [await table.count_rows()]

    return Part(folder, "words").each(ask)


def test_a_level_has_one_segment(tmp_path):
    """So that a search reads few, and a row is written again once a level, or a few times."""
    segments = opened(tmp_path)
    for first in range(1, 400, 5):
        added(segments, first, first + 4)
        segments.settle()
        levels = [math.floor(math.log(rows / 10, 3)) for rows in sizes(tmp_path) if rows >= 10]
        assert all(older > newer for older, newer in pairwise(levels)), levels
    assert numbers(tmp_path) == list(range(1, 401))
    assert len(sizes(tmp_path)) <= 4
    assert len(list(tmp_path.glob("words-*"))) == len(sizes(tmp_path))


@pytest.mark.parametrize(
    ("when", "step"),
    [
        *(("begins", step) for step in ("create_table", "add_indices", "note")),
        ("is full", "note"),
        *(("merges", step) for step in ("create_table", "add_indices", "note", "drop_table")),
    ],
)
def test_a_kill_at_each_step_leaves_each_row_once(tmp_path, monkeypatch, step, when):
    """What it had made and not noted is dropped, and what it had noted counts."""
    segments = opened(tmp_path)
    added(segments, 1, 10)
    if when == "begins":
        segments.settle()
    if when == "merges" and step == "note":  # that of the merge, not that one is due
        segments.keep_up()
    with monkeypatch.context() as killing:
        killing.setattr(segments, "_add_indices", dying(step == "add_indices"))
        killing.setattr(segments, "note", dying(step == "note", segments.note))
        db = segments._db
        killing.setattr(db, "create_table", dying(step == "create_table", db.create_table))
        killing.setattr(db, "drop_table", dying(step == "drop_table", db.drop_table))
        with pytest.raises(KillError):
            added(segments, 11, 12) if when == "begins" else segments.settle()
    again = opened(tmp_path)
    upto = read_note(tmp_path, "words")["upto"]
    again.delete(f"n > {upto}")
    assert numbers(tmp_path) == list(range(1, upto + 1))
    added(again, upto + 1, 40)
    again.settle()
    assert numbers(tmp_path) == list(range(1, 41))
    assert len(list(tmp_path.glob("words-*"))) == len(sizes(tmp_path))


def held(segments, monkeypatch):
    """A merge of the full segment that has read its rows and waits for the event."""
    goes_on, waits = threading.Event(), threading.Event()

    def add_indices(table):
        if table.count_rows():
            waits.set()
            assert goes_on.wait(30)

    monkeypatch.setattr(segments, "_add_indices", add_indices)
    segments.keep_up()
    assert waits.wait(30)
    return goes_on


def test_rows_come_and_go_while_segments_are_put_together(tmp_path, monkeypatch):
    """They are found at once, and what is taken out meanwhile stays out."""
    segments = opened(tmp_path)
    added(segments, 1, 10)
    goes_on = held(segments, monkeypatch)
    added(segments, 11, 25)
    segments.delete("n IN (3, 12)")
    segments.delete("n = 4")
    segments.keep_up()
    expected = [n for n in range(1, 26) if n not in (3, 4, 12)]
    assert numbers(tmp_path) == expected
    goes_on.set()
    segments.settle()
    assert numbers(tmp_path) == expected
    assert sizes(tmp_path) == [22]


def test_a_merge_that_has_ended_is_taken_over_though_nothing_comes(tmp_path, monkeypatch):
    """Whoever keeps the index up asks for it in quiet hours, too."""
    segments = opened(tmp_path)
    added(segments, 1, 10)
    goes_on = held(segments, monkeypatch)
    assert not segments.has_merged
    goes_on.set()
    until(lambda: segments.has_merged)
    before = read_note(tmp_path, "words")["segments"]
    segments.keep_up()
    assert not segments.has_merged
    assert read_note(tmp_path, "words")["segments"] != before


def test_a_segment_of_many_small_commits_is_one_file(tmp_path):
    """A level of rows that came one by one would have as many versions as there were commits."""
    segments = opened(tmp_path)
    for n in range(1, 11):
        added(segments, n, n)
    segments.settle()
    [name] = read_note(tmp_path, "words")["segments"]
    assert len(list((tmp_path / f"{name}.lance" / "data").iterdir())) == 1


def test_an_index_that_is_closed_leaves_nothing_of_a_merge(tmp_path, monkeypatch):
    """The thread that is at it drops what it has made, whoever has opened the folder since."""
    segments = opened(tmp_path)
    added(segments, 1, 10)
    goes_on = held(segments, monkeypatch)
    [thread] = [each for each in threading.enumerate() if each.name == "search merge"]
    segments.close()
    again = opened(tmp_path)
    added(again, 11, 25)
    goes_on.set()
    thread.join(30)
    again.settle()
    assert numbers(tmp_path) == list(range(1, 26))
    assert len(list(tmp_path.glob("words-*"))) == len(sizes(tmp_path)) == 1


def test_rows_wait_for_a_merge_that_falls_behind(tmp_path, monkeypatch):
    """So that a search never meets hundreds of segments."""
    monkeypatch.setattr(module, "_WAITING", 2)
    segments = opened(tmp_path)
    added(segments, 1, 10)
    goes_on = held(segments, monkeypatch)
    for first in (11, 21):
        added(segments, first, first + 9)
        if first == 21:
            threading.Timer(0.2, goes_on.set).start()
        segments.keep_up()
    assert goes_on.is_set()
    segments.settle()
    assert sizes(tmp_path) == [30]


def dying(dies, work=lambda *_a, **_k: None):
    """Does its work, and then the process ends."""

    def step(*given, **named):
        done = work(*given, **named)
        if dies:
            raise KillError
        return done

    return step


def test_readers_meet_no_gap_while_segments_are_put_together(tmp_path):
    """They read the note again where a table has gone."""
    segments = opened(tmp_path)
    added(segments, 1, 3)
    wrong, done = [], threading.Event()

    def read():
        while not done.is_set():
            upto = read_note(tmp_path, "words")["upto"]
            found = numbers(tmp_path)
            if len(found) != len(set(found)) or not set(range(1, upto + 1)) <= set(found):
                wrong.append((upto, found))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for first in range(4, 94, 3):
        added(segments, first, first + 2)
        segments.keep_up()
    segments.settle()
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
