"""The estimate of tokens."""

from hypothesis import given
from hypothesis import strategies as st

from reins.llm.tokens import size_of, tokens_in, tokens_of


@given(st.text())
def test_a_text_takes_a_token_for_every_three_bytes_begun(text: str) -> None:
    """Rounded up, and alike for a text and for its bytes; a lone surrogate is counted too."""
    size_bytes = len(text.encode("utf-8", "replace"))
    assert tokens_of(text) == tokens_in(size_bytes)
    assert 3 * tokens_of(text) - 3 < size_bytes <= 3 * tokens_of(text)


def test_an_argument_is_as_long_as_all_of_its_text() -> None:
    """Lists and mappings are counted with what they hold."""
    assert size_of(["é", {"key": "value"}]) == 2 + 3 + 5
