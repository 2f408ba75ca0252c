"""The estimate of tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.llm.tokens import (
    BYTES_PER_TOKEN,
    MOST_BYTES_PER_TOKEN,
    learned,
    size_of,
    tokens_in,
    tokens_of,
)


@given(st.text())
def test_a_text_takes_a_token_for_every_three_bytes_begun(text: str) -> None:
    """Rounded up, and alike for a text and for its bytes; a lone surrogate is counted too."""
    size_bytes = len(text.encode("utf-8", "replace"))
    assert tokens_of(text) == tokens_in(size_bytes)
    assert 3 * tokens_of(text) - 3 < size_bytes <= 3 * tokens_of(text)


def test_an_argument_is_as_long_as_all_of_its_text() -> None:
    """Lists and mappings are counted with what they hold."""
    assert size_of(["é", {"key": "value"}]) == 2 + 3 + 5


def test_a_route_teaches_how_many_bytes_a_token_has() -> None:
    """The first count is taken as it is, later ones move it; what cannot be is not believed."""
    assert learned(None, 4_000, 1_000) == 4.0
    assert learned(4.0, 3_000, 1_000) == pytest.approx(3.7)
    assert learned(None, 10, 3) == BYTES_PER_TOKEN, "too short to learn from"
    assert learned(2.5, 10, 3) == 2.5
    assert learned(None, 100_000, 1_000) == MOST_BYTES_PER_TOKEN
    assert tokens_in(10, 4.0) == 3
