"""Messages between the two processes."""

import io

import pytest

from reins.sql.frames import HEAD_BYTES, packed, read, size_of


class Pipe(io.BytesIO):
    """It gives three bytes at a time."""

    def read(self, size=-1):
        return super().read(min(size, 3))


@pytest.mark.parametrize("kind", [io.BytesIO, Pipe])
def test_messages_come_whole(kind):
    """One after the other, in however many parts, until the end."""
    stream = kind(packed({"a": "東京" * 50}) + packed({}))
    assert read(stream) == {"a": "東京" * 50}
    assert read(stream) == {}
    assert read(stream) is None


@pytest.mark.parametrize("cut", [1, 4, 6])
def test_a_message_that_breaks_off(cut):
    """It is none."""
    assert read(Pipe(packed({"a": 1})[:cut])) is None
    assert size_of(packed({"a": 1})[:HEAD_BYTES]) == 7
