"""The pace of a conversation: how long a turn takes, and who holds it back."""

import pytest

from agent_core.conversations.floor import Floor
from agent_core.conversations.rules import TURN_S
from agent_core.conversations.turns import HOLD_S, LONGEST_HOLD_S, Turns
from tests.unit.agent_core.conversations.test_floor import Listener


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def turns(clock):
    return Turns(clock)


@pytest.mark.parametrize("pace", TURN_S)
def test_a_turn_takes_what_its_pace_says(turns, pace):
    """Between the least and the most; an answer to a person takes the least."""
    low_s, high_s = TURN_S[pace]
    for _ in range(50):
        turns.said(pace, by_person=False)
        assert low_s - 1e-6 <= turns.wait_s <= high_s + 1e-6
    turns.said(pace, by_person=True)
    assert turns.wait_s == pytest.approx(low_s)


def test_who_asked_is_answered_also_where_people_go_on_writing(turns, clock):
    """The turn comes when the first message asked for it; after an answer it is a new one."""
    turns.said("calm", by_person=True)
    asked_s = turns.wait_s
    for _ in range(4):
        assert turns.wait_s
        clock.now += asked_s / 4
        turns.said("calm", by_person=True)
    assert not turns.wait_s
    turns.said("calm", by_person=False)
    assert turns.wait_s >= asked_s
    turns.said("calm", by_person=True)
    assert turns.wait_s == pytest.approx(asked_s)


def test_what_composing_takes_is_part_of_the_turn(turns, clock):
    """A model that is slow by itself is not slowed down."""
    for _ in range(20):
        turns.begin()
        clock.now += 6.0
        turns.said("calm", by_person=False)
    assert turns.wait_s == 0.0


def test_a_person_who_writes_holds_the_turn_and_not_for_ever(turns, clock):
    """Each sign of it counts for some seconds; the message, or a long silence, ends it."""
    turns.said("free", by_person=False)
    for _ in range(5):
        turns.hold()
        assert turns.wait_s == pytest.approx(HOLD_S)
        clock.now += HOLD_S / 2
    turns.said("free", by_person=True)
    assert turns.wait_s == 0.0
    turns.hold()
    for _ in range(100):
        clock.now += 1.0
        turns.hold()
    assert clock.now - 100 > LONGEST_HOLD_S
    assert turns.wait_s == 0.0
    clock.now += HOLD_S + LONGEST_HOLD_S
    turns.hold()
    assert turns.wait_s == pytest.approx(HOLD_S)


def test_who_waits_for_its_turn_has_the_floor_and_gives_way(clock):
    """It is shown as the next; a person's word, or one who is asked, goes before it."""
    told = []
    floor = Floor(lambda: None)
    floor.turns = Turns(clock)
    ann, ben = Listener("Ann", told), Listener("Ben", told)
    with floor.listening(ann), floor.listening(ben):
        floor.turns.said("calm", by_person=False)
        assert floor.take(ann)
        assert floor.wait_s > 0
        assert floor.composer is ann
        assert not floor.take(ben)
        floor.tell("Ben, what do you say?", None)
        assert floor.composer is None, "it is no longer the next"
        assert floor.take(ben)
        assert floor.take(ann, at_once=True)
        assert (floor.composer, floor.wait_s) == (ann, 0.0)
        assert not floor.take(ben, at_once=True), "who composes is heard out"
        floor.look()
        assert floor.composer is ann
