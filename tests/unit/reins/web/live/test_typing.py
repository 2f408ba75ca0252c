import time
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from reins.web.live.rooms import run_room
from reins.web.live.typing import MAX_CHARS, TypingFeed

A = SimpleNamespace(agent_id="a", session_id="a")


@dataclass
class Piece:
    text: str
    offset: int
    attempt: int = 1
    call_id: str = "c1"


class Rooms:
    """Rooms that write down what they are told."""

    def __init__(self):
        self.those = {run_room("a", "a")}
        self.emitted = []

    def occupied(self, room):
        return room in self.those

    def emit(self, event, data, room, head=0):
        assert (event, room, data["room"], head) == ("typing", "run::a::a", room, 7)
        self.emitted.append(data)


@pytest.fixture
def rooms():
    return Rooms()


@pytest.fixture
def wakes():
    return []


@pytest.fixture
def feed(rooms, wakes):
    return TypingFeed(rooms=rooms, head=lambda _: 7, wake=lambda: wakes.append(1))


def write(feed, *texts, offset=0, **more):
    for text in texts:
        feed.took(A, Piece(text, offset, **more))
        offset += len(text)


def told(feed, rooms):
    """What one turn of the feed sends."""
    rooms.emitted.clear()
    feed.send()
    return [(d["attempt"], d["offset"], d["text"], d["ended"]) for d in rooms.emitted]


def row(kind="tick", *, created_at=None):
    at = time.time_ns() // 1_000 if created_at is None else created_at
    return {"session_id": "a", "kind": kind, "created_at": at}


def test_what_came_since_the_last_turn_is_one_event(feed, rooms, wakes):
    """Each character once, where it belongs; the feed is woken once for all of it."""
    write(feed, "Why ", "did ")
    assert len(wakes) == 1
    assert told(feed, rooms) == [(1, 0, "Why did ", False)]
    write(feed, "the ", "cat ", offset=8)
    assert told(feed, rooms) == [(1, 8, "the cat ", False)]
    assert told(feed, rooms) == []


def test_whoever_comes_in_the_middle_gets_the_whole(feed, rooms):
    """In the answer; an event after it goes on from there, or begins with what was said."""
    rooms.those.clear()
    write(feed, "Why did ")
    assert told(feed, rooms) == []
    rooms.those.add(run_room("a", "a"))
    assert feed.so_far("a") == {"attempt": 1, "text": "Why did "}
    write(feed, "the cat", offset=8)
    assert told(feed, rooms) == [(1, 0, "Why did the cat", False)]
    assert feed.so_far("nobody") is None


def test_a_new_attempt_begins_anew(feed, rooms):
    """So does another call of the same tick, though its attempts are counted from 1 again."""
    write(feed, "Why did ")
    told(feed, rooms)
    write(feed, "When ", attempt=2)
    assert told(feed, rooms) == [(2, 0, "When ", False)]
    write(feed, "Who ", call_id="c2")
    assert told(feed, rooms) == [(1, 0, "Who ", False)]


def test_what_is_taken_back(feed, rooms):
    """The rest of the text stays."""
    write(feed, "Why did the cat")
    told(feed, rooms)
    write(feed, "dog", offset=12)
    assert told(feed, rooms) == [(1, 0, "Why did the dog", False)]


def test_the_end_is_told_to_those_who_saw_something(feed, rooms):
    """Told or read in an answer; what begins and ends within a turn is nobody's concern."""
    write(feed, "Why ")
    told(feed, rooms)
    write(feed, "not", offset=4)
    feed.took(A, None)
    assert told(feed, rooms) == [(1, 4, "not", True)]
    assert feed.so_far("a") is None
    write(feed, "Quick")
    feed.took(A, None)
    assert told(feed, rooms) == []
    write(feed, "Seen")
    feed.so_far("a")
    feed.took(A, None)
    assert told(feed, rooms)[-1][-1] is True
    feed.took(A, None)
    assert told(feed, rooms) == []


@pytest.mark.parametrize("kind", ["tick", "error", "final"])
def test_a_row_takes_its_place(feed, rooms, kind):
    """After its row, nothing more is told of what was typed; of what comes next it is."""
    write(feed, "Why ")
    told(feed, rooms)
    write(feed, "not", offset=4)
    feed.take_rows([row(kind)])
    assert feed.so_far("a") is None
    assert told(feed, rooms) == []
    time.sleep(0.001)
    write(feed, "Next", call_id="c2")
    assert told(feed, rooms) == [(1, 0, "Next", False)]


def test_other_rows_take_no_place(feed, rooms):
    """Guidance that was noted meanwhile, or the row of the tick before."""
    before = row()
    time.sleep(0.001)
    write(feed, "Why ")
    feed.take_rows([before, row("guidance"), {**row(), "session_id": "b"}])
    assert told(feed, rooms) == [(1, 0, "Why ", False)]


def test_an_endless_answer_is_bounded(feed, rooms):
    """What comes beyond the bound is dropped; the line stays."""
    for n in range(80):
        write(feed, "x" * 1_024, offset=n * 1_024)
    assert len(feed.so_far("a")["text"]) == MAX_CHARS
    [(_, offset, text, _)] = told(feed, rooms)
    assert (offset, len(text)) == (0, MAX_CHARS)
    write(feed, "y", offset=80 * 1_024)
    assert told(feed, rooms) == []


def test_a_gap_is_not_filled_with_what_does_not_belong_there(feed, rooms):
    write(feed, "Why ")
    write(feed, "cat", offset=9)
    assert told(feed, rooms) == [(1, 0, "Why ", False)]
