"""Whose turn it is: one composes, the others wait, and who was heard the longest ago is first."""

import pytest

from agent_core.conversations.floor import _MAX_RESTARTS, Floor


class Listener:
    """A member that keeps what it was told, in a list that all of them share."""

    def __init__(self, name, told):
        self.member_id, self.name, self.told, self.anew = f"id-{name}", name, told, 0

    def news(self):
        self.told.append(self.name)

    def restart(self):
        self.anew += 1
        return True


class Room:
    def __init__(self, *names):
        self.changes, self.told = [], []
        self.floor = Floor(lambda: self.changes.append(self.composer))
        self.members = {name: Listener(name, self.told) for name in names}
        self.listening = {name: self.floor.listening(each) for name, each in self.members.items()}
        for name in names:
            self.listening[name].__enter__()

    def __getitem__(self, name):
        return self.members[name]

    @property
    def composer(self):
        composer = self.floor.composer
        return None if composer is None else composer.name

    def leave(self, name):
        self.listening[name].__exit__(None, None, None)

    def heard_now(self):
        told = self.told[:]
        self.told.clear()
        return told


@pytest.fixture
def room():
    return Room("Ann", "Ben", "Cy")


def test_one_composes_and_the_others_wait(room):
    """The floor is one member's until it gives it back; to take it twice is to have it."""
    assert room.floor.take(room["Ann"])
    assert room.floor.take(room["Ann"])
    assert not room.floor.take(room["Ben"])
    assert room.composer == "Ann"
    room.floor.release(room["Ann"])
    assert room.floor.take(room["Ben"])
    assert room.changes == ["Ann", None, "Ben"], "told once for each change"


def test_who_does_not_have_it_cannot_give_it_back(room):
    """The end of a member that only listens changes nothing."""
    room.floor.take(room["Ann"])
    room.floor.release(room["Ben"])
    room.leave("Cy")
    assert room.composer == "Ann"
    assert room.heard_now() == []


def test_those_who_waited_are_told_the_longest_unheard_first(room):
    """Who did not ask is not told; nobody is told twice."""
    room.floor.heard("id-Ben", 7)
    room.floor.heard("id-Cy", 3)
    room.floor.take(room["Ann"])
    room.floor.take(room["Ben"])
    room.floor.take(room["Cy"])
    room.floor.take(room["Cy"])
    room.floor.release(room["Ann"])
    assert room.heard_now() == ["Cy", "Ben"]
    room.floor.take(room["Ann"])
    room.floor.release(room["Ann"])
    assert room.heard_now() == []


def test_all_others_are_told_what_a_member_says(room):
    """Not the speaker itself; never spoken comes before spoken, and a mention changes no order."""
    room.floor.heard("id-Ann", 9)
    room.floor.heard("id-Cy", 4)
    room.floor.tell("what do you say, Cy?", "id-Ben")
    assert room.heard_now() == ["Cy", "Ann"]
    room.floor.tell("what do you say, Ann?", "id-Cy")
    assert room.heard_now() == ["Ben", "Ann"]


def test_whom_a_person_names_comes_first(room):
    """Then the others, the longest unheard first; a person is no member, so all are told."""
    room.floor.heard("id-Ann", 9)
    room.floor.heard("id-Cy", 4)
    room.floor.tell("ANN, and you others?", None)
    assert room.heard_now() == ["Ann", "Ben", "Cy"]


def test_a_person_makes_the_one_who_composes_begin_anew(room):
    """A member's words do not; whoever waited is told at once and need not wait any more."""
    room.floor.take(room["Ann"])
    room.floor.take(room["Ben"])
    room.floor.tell("hm", "id-Cy")
    assert room["Ann"].anew == 0
    room.floor.tell("wait", None)
    assert (room["Ann"].anew, room["Ben"].anew) == (1, 0)


def test_who_begins_anew_again_and_again_is_heard_out(room):
    """As a persona does it, giving the floor back and taking it again: five times at the most."""
    room.floor.take(room["Ann"])
    for _ in range(4 * _MAX_RESTARTS):
        begun = room["Ann"].anew
        room.floor.tell("and another thing", None)
        if room["Ann"].anew > begun:
            room.floor.release(room["Ann"])
            room.floor.take(room["Ann"])
    assert room["Ann"].anew == _MAX_RESTARTS
    assert not room.floor.may_restart()


def test_restarts_count_until_somebody_is_heard(room):
    """Who comes after one that gave up has none either; a member's message gives them back."""
    room.floor.take(room["Ann"])
    for _ in range(2 * _MAX_RESTARTS):
        room.floor.tell("and another thing", None)
    room.floor.release(room["Ann"])
    room.floor.take(room["Ben"])
    room.floor.tell("wait", None)
    assert room["Ben"].anew == 0
    room.floor.tell("at last", "id-Ben")
    room.floor.release(room["Ben"])
    room.floor.take(room["Cy"])
    room.floor.tell("wait", None)
    assert room["Cy"].anew == 1


def test_who_leaves_while_it_composes_gives_the_floor_back(room):
    """Those who waited are told, and nobody speaks to who has left."""
    room.floor.take(room["Ann"])
    room.floor.take(room["Ben"])
    room.leave("Ann")
    assert room.composer is None
    assert room.heard_now() == ["Ben"]
    room.floor.tell("Ann?", None)
    assert "Ann" not in room.heard_now()


def test_who_left_while_it_waited_is_not_told(room):
    """A place in the line is no place in the room."""
    room.floor.take(room["Ann"])
    room.floor.take(room["Ben"])
    room.leave("Ben")
    room.floor.release(room["Ann"])
    assert room.heard_now() == []


def test_newer_code_of_a_member_takes_its_place(room):
    """As after a reload: the old one's leaving does not make the new one deaf."""
    newer = Listener("Ann", room.told)
    with room.floor.listening(newer):
        room.leave("Ann")
        room.floor.tell("hello", None)
        assert sorted(room.heard_now()) == ["Ann", "Ben", "Cy"]


def test_whom_a_person_names_by_a_longer_name_is_one(room):
    """Ann is not meant where Ann-Cy is, who is there too."""
    longer = Listener("Ann-Cy", room.told)
    with room.floor.listening(longer):
        room.floor.heard("id-Ann", 9)
        room.floor.heard("id-Cy", 8)
        room.floor.tell("Ann\u2011Cy, and you others?", None)
    assert room.heard_now() == ["Ann-Cy", "Ben", "Cy", "Ann"]
