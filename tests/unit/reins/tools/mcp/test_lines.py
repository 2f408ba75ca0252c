"""Lines of any length, in any pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.tools.mcp.lines import EndlessLineError, Lines, TooLong


@given(st.lists(st.binary(max_size=40)), st.integers(1, 7))
def test_lines_are_the_same_in_whatever_pieces_they_come(lines, size):
    """What is longer than the limit is dropped, with its size."""
    lines = [each.replace(b"\n", b"") for each in lines]
    data = b"".join(each + b"\n" for each in lines)
    taken, found = Lines(most_bytes=20), []
    for at in range(0, len(data), size):
        found += taken.feed(data[at : at + size])
    wanted = [each if len(each) <= 20 else TooLong(len(each), None) for each in lines]
    assert found == wanted


def test_the_number_of_the_request_is_found_in_the_head():
    """So the one call is told, and no other."""
    line = b'{"jsonrpc":"2.0", "id": 7, "result":{"content":"' + b"x" * 5_000
    taken = Lines(most_bytes=1_000)
    assert taken.feed(line[:20]) == []
    assert taken.feed(line[20:]) == []
    assert taken.feed(b'"}}\n') == [TooLong(len(line) + 3, 7)]
    assert taken.feed(b"short\n") == [b"short"]


def test_a_line_that_does_not_end_is_not_waited_for():
    """Little is kept of it meanwhile."""
    taken = Lines(most_bytes=1_000, dropped_bytes=10_000)
    for _ in range(10):
        taken.feed(b"x" * 1_000)
    assert sum(map(len, taken._parts)) <= 1_000
    with pytest.raises(EndlessLineError):
        taken.feed(b"x")
