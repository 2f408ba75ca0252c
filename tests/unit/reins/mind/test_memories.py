"""Memories by example: what is refused, in words, and what a state keeps."""

import pytest

from reins.mind import (
    AgentState,
    Memories,
    MemoryRow,
    MindError,
    Stamp,
    TooLargeError,
    VersionConflictError,
    forget,
    put,
    restore,
)


def stamp(number):
    return Stamp(f"m{number}", at=number)


def with_values(*values):
    memories = Memories()
    for number, value in enumerate(values, 1):
        memories = memories.followed_by(put(memories, "name", value, stamp(number)))
    return memories


def test_a_restore_goes_to_the_version_that_it_names():
    """And counts on from there."""
    memories = with_values("Ann", "Bob", "Cleo")
    row = restore(memories, "name", stamp(4), version=1)
    assert (row.version, row.restores, row.value) == (4, 1, "Ann")
    assert memories.followed_by(row).recall("name", 5).version == 4


def test_a_version_that_is_not_kept_is_named_with_those_that_are():
    """A state keeps three; any other comes back by its row."""
    memories = with_values("Ann", "Bob", "Cleo", "Dora")
    with pytest.raises(MindError, match=r"no version 1 to restore here.*there are 2, 3, 4"):
        restore(memories, "name", stamp(5), version=1)
    first = MemoryRow(id="m1", kind="put", key="name", version=1, at=1, value="Ann")
    assert restore(memories, "name", stamp(5), version=first).value == "Ann"
    other = memories.followed_by(put(memories, "town", 1, stamp(6)))
    with pytest.raises(MindError, match="row 'm1' is a put of 'name'"):
        restore(other, "town", stamp(7), version=first)


def test_two_that_have_read_the_same_cannot_both_write():
    """The second is told the version that there is."""
    memories = with_values("Ann", "Bob")
    with pytest.raises(
        VersionConflictError,
        match=r"'name' \(session\) is at version 2, expected 1; recall it, and decide again",
    ):
        put(memories, "name", "Cleo", stamp(3), expect=1)
    assert put(memories, "name", "Cleo", stamp(3), expect=2).version == 3
    assert put(memories, "town", "Ulm", stamp(3), expect=0).version == 1


def test_what_is_not_there_cannot_be_forgotten():
    """A name that is alike is told."""
    memories = with_values("Ann")
    with pytest.raises(MindError, match=r"no memory 'names'; did you mean 'name'\?"):
        forget(memories, "names", stamp(2))
    gone = memories.followed_by(forget(memories, "name", stamp(2)))
    with pytest.raises(MindError, match="is forgotten already; nothing to do"):
        forget(gone, "name", stamp(3))


def test_a_long_value_is_in_its_row_alone():
    """The state knows its version; a longer one is refused."""
    memories = with_values("x" * 5_000)
    found = memories.recall("name", 2)
    assert (found.elsewhere, found.value, found.version) == (True, None, 1)
    with pytest.raises(TooLargeError, match=r"memory 'name' takes 65,539 bytes of at most 65,536"):
        with_values("x" * 65_537)


def test_a_state_says_which_part_is_too_large_and_what_makes_room():
    """With the sizes."""
    memories = Memories()
    for number in range(6):
        row = put(memories, f"k{number}", "x" * 3_000, stamp(number))
        memories = memories.followed_by(row)
    with pytest.raises(
        TooLargeError,
        match=r"the part 'memory' of the state takes 18,\d{3} bytes of at most 16,384; forget what",
    ):
        AgentState(memory=memories)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: put(Memories(), "", 1, stamp(1)), "the key of the memory is ''; expected a text"),
        (
            lambda: put(Memories(), "k", 1, stamp(1), scope="all"),
            "the scope is 'all'; expected session, agent, shared",
        ),
        (lambda: MemoryRow(id="m", kind="put", key="k", version=0, at=1), "has version 0"),
        (lambda: MemoryRow(id="m", kind="restore", key="k", version=1, at=1), "restores None"),
        (lambda: Memories.from_json({"session": {"k": [{"number": "x"}]}}), "session.k.0.number"),
        (lambda: AgentState.from_json({"mood": 1}), "the state cannot be read: mood"),
        (lambda: AgentState(data={"x": {1, 2}}), "'data' of the state is not JSON"),
    ],
)
def test_what_cannot_be_is_refused_in_words(make, words):
    """With what was given, what is expected, and what to do."""
    with pytest.raises(MindError, match=words):
        make()
