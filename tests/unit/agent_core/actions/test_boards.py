"""Names of boards, and bounds of values of boards and memories: said with what is expected."""

import pytest

from agent_core.actions.boards import MAX_VALUE_BYTES, checked_board, checked_value
from agent_core.actions.ids import ActionError
from agent_core.actions.memories import MAX_MEMORY_BYTES, checked_key, checked_memory
from agent_core.actions.topics import checked_open_topic
from store.kv import board_of, topic_of


@pytest.mark.parametrize("name", ["a", "plans.eu", "A-b_c.9"])
def test_a_name_is_taken_as_it_is(name):
    assert checked_board(name) == name
    assert board_of(topic_of(name)) == name


@pytest.mark.parametrize("name", ["", ".", "a.", "a b", "a/b", "ä", "x" * 101, None, 7])
def test_another_name_is_refused(name):
    with pytest.raises(ActionError, match="board is"):
        checked_board(name)


@pytest.mark.parametrize(
    ("check", "most"), [(checked_value, MAX_VALUE_BYTES), (checked_memory, MAX_MEMORY_BYTES)]
)
def test_a_value_is_json_in_bounds_and_not_null(check, most):
    """Up to the last byte; the error says how many there are."""
    for value in (0, False, "", [], {}, "x" * (most - 2)):
        assert check(value) == value
    for value, words in ((None, "null"), ("x" * (most - 1), f"{most + 1} bytes"), ({1, 2}, "JSON")):
        with pytest.raises(ActionError, match=words):
            check(value)


def test_a_key_of_a_memory_is_a_text_in_bounds():
    assert checked_key("x" * 200) == "x" * 200
    for key in ("", "x" * 201, None):
        with pytest.raises(ActionError, match="key is"):
            checked_key(key)


def test_nobody_publishes_what_a_board_announces():
    """Topics beside it are anybody's."""
    assert checked_open_topic("boards.plans") == "boards.plans"
    with pytest.raises(ActionError, match="board plans"):
        checked_open_topic("board.plans")
