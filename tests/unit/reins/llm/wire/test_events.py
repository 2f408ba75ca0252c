"""Server-sent events are the same however their bytes are cut into pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.llm.wire.errors import TooLongError
from reins.llm.wire.events import MAX_EVENT_BYTES, EventReader


def read(pieces: list[bytes]) -> list[bytes]:
    reader = EventReader()
    found = [data for piece in pieces for data in reader.feed(piece)]
    return [*found, *reader.end()]


CASES = {
    b"data: a\n\ndata: b\n\n": [b"a", b"b"],
    b"data:a\r\n\r\ndata:b\r\n\r\n": [b"a", b"b"],
    b"data: a\r\rdata: b\r\r": [b"a", b"b"],
    b": a comment\n\nevent: x\nid: 3\ndata: a\n\n": [b"a"],
    b"data: a\ndata: b\n\n": [b"a\nb"],
    b"data: a": [b"a"],
    b"data: a\n": [b"a"],
    b"data: a\r": [b"a"],
    b"\n\n\n": [],
    b"<html>\n</html>": [],
    b'{"error": "x"}': [],
}


@pytest.mark.parametrize("stream", CASES)
def test_events_by_the_standard(stream: bytes) -> None:
    """Line ends of all kinds, comments, other fields, several lines, and an end without one."""
    assert read([stream]) == CASES[stream]


@given(st.data(), st.sampled_from([each for each in CASES if b"\r\n" not in each]))
def test_pieces_make_no_difference(data: st.DataObject, stream: bytes) -> None:
    """Wherever the network cuts, the events are the same."""
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)))))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert read(pieces) == CASES[stream]
    assert read([bytes([byte]) for byte in stream]) == CASES[stream]


def test_a_line_end_that_is_cut_in_two() -> None:
    """The two bytes of one line end may come apart."""
    assert read([b"data: a\r", b"\n\r", b"\ndata: b\r", b"\n\r\n"]) == [b"a", b"b"]


def test_an_event_without_end_is_given_up() -> None:
    """No event is kept that is larger than any answer, in one line or in many."""
    for piece in (b"x" * 65_536, b"data: " + b"x" * 65_000 + b"\n"):
        with pytest.raises(TooLongError):
            read([piece] * (MAX_EVENT_BYTES // 65_000 + 2))
