"""Hits as JSON has them."""

import pytest

from reins.search.answering import excerpt
from reins.search.likeness import Like

LONG = "a" * 300 + " needle " + "b" * 300


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        ("short", ["x"], "short"),
        ("a" * 30, [], "a" * 19 + "…"),
        ("a" * 30, ["(", "+"], "a" * 19 + "…"),
        ("needle " + "a" * 30, ["NEEDLE"], "needle aaaaaaaaaaaa…"),
    ],
)
def test_a_text_is_cut(text, words, shown):
    """At its beginning, if the word is there, or nowhere."""
    assert excerpt(text, words, 20) == shown


def test_a_word_far_inside_is_shown():
    """With what stands around it; never more than was asked for."""
    found = excerpt(LONG, ["needle"], 200)
    assert "needle" in found
    assert found.startswith("…a")
    assert found.endswith("b…")
    assert len(found) == 200
    assert excerpt(LONG + " last", ["last"], 200).endswith(" last")


def test_a_row_is_told_by_its_long_words():
    """Each once, so that a text of any length is a query."""
    words = Like(1, "The price, the PRICE of herring " + "x1 " * 100).words
    assert words[:2] == ("herring", "price")
    assert len(words) == len(set(words)) <= 24
