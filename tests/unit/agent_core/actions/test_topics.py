"""Names of topics, patterns, and the bounds of messages."""

import pytest

from agent_core.actions.ids import ActionError
from agent_core.actions.payloads import MAX_UNREAD, TopicSet
from agent_core.actions.topics import (
    MAX_MESSAGE_BYTES,
    checked_message,
    checked_pattern,
    checked_topic,
    matcher,
)


@pytest.mark.parametrize("name", ["a", "orders.eu", "A-b_9.0", "x" * 128])
def test_names_that_are_taken(name):
    """Parts with dots between them."""
    assert checked_topic(name) == name


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a..b", "a b", "@s", "*", "ä", "a\n", 7])
def test_names_that_are_refused(name):
    """The refusal says what is expected."""
    with pytest.raises(ActionError, match=r"topic is .*; expected parts"):
        checked_topic(name)


@pytest.mark.parametrize(
    ("pattern", "taken", "left"),
    [
        ("topic:a", ["a"], ["a.b", "aa", "b"]),
        ("topic:a.*", ["a.b", "a.c"], ["a", "a.b.c", "b.a"]),
        ("topic:*.b", ["a.b"], ["b", "a.b.b"]),
        ("topic:a.**", ["a.b", "a.b.c"], ["a", "b"]),
        ("topic:**", ["a", "a.b"], ["@session"]),
    ],
)
def test_patterns(pattern, taken, left):
    """One part for a star, one or more for two at the end; never another session's mailbox."""
    matches = matcher(checked_pattern(pattern)).fullmatch
    assert [name for name in [*taken, *left] if matches(name)] == taken


@pytest.mark.parametrize("pattern", ["a", "topic:", "topic:a*", "topic:**.a", "topic:a.*.", None])
def test_patterns_that_are_refused(pattern):
    """The refusal says what is expected."""
    with pytest.raises(ActionError, match=r"on is .*; expected topic: and a name"):
        checked_pattern(pattern)


def test_messages_are_json_in_bounds():
    """None and an empty text say nothing; 0 and false do."""
    for good in (0, False, "x", [], {}, "x" * (MAX_MESSAGE_BYTES - 2)):
        assert checked_message(good) == good
    for bad in (None, "", "x" * MAX_MESSAGE_BYTES, {1}, {"a": object()}):
        with pytest.raises(ActionError, match="message"):
            checked_message(bad)


def test_a_bound_that_no_row_could_hold_is_refused():
    """By its payload, with what is expected, and not by the journal."""
    assert TopicSet(topic="t", max_unread=MAX_UNREAD).max_unread == MAX_UNREAD
    with pytest.raises(ValueError, match="less than or equal to 1000000000"):
        TopicSet(topic="t", max_unread=10**30)
