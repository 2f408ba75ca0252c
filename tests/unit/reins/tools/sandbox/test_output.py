"""Output as it is kept: the beginning, the end, and the number of the rest."""

from hypothesis import given
from hypothesis import strategies as st

from reins.tools.sandbox.output import Output


@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(1, 30), st.integers(1, 30))
def test_head_and_tail(pieces, head, tail):
    """However it comes in pieces, nothing is lost or doubled."""
    output = Output(head, tail)
    for piece in pieces:
        output.feed(piece)
    whole = b"".join(pieces)
    assert output.size_bytes == len(whole)
    assert output.left_out_bytes == max(0, len(whole) - head - tail)
    if not output.left_out_bytes:
        assert output.text() == whole.decode(errors="backslashreplace")


def test_it_says_what_is_missing():
    """Between beginning and end stands a line."""
    output = Output(5, 4)
    output.feed(b"hello, this is the end")
    assert output.text() == "hello\n[13 bytes left out]\n end"


def test_a_character_that_is_cut():
    """Half of one is left out, and is no error."""
    output = Output(3, 3)
    output.feed("aéé é é aé".encode())
    assert "\\x" not in output.text()


def test_a_long_stream_is_not_held():
    """Of much, no more than a piece beyond what is kept is in memory."""
    output = Output(16, 16)
    for _ in range(1_000):
        output.feed(b"x" * 64)
    assert sum(map(len, output._tail)) <= 16 + 64
