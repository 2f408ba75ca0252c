"""Rows that are in no index yet, by the same query."""

from datetime import UTC, datetime

import pytest

from reins.search.matching import fitting
from reins.search.passages import Passage, as_table
from reins.search.query import read

TEXTS = ("The price of Tea", "coffee and tea", "Crème brûlée", "東京の天気", "price price")


def found(query, limit=10, **fields):
    rows = [
        Passage(n, "step", "s", None, f"a{n}", "joke", "tick", None, n, 1_000_000, None, text)
        for n, text in enumerate(TEXTS)
    ]
    asked = read(query, datetime(2026, 11, 30, tzinfo=UTC))
    return [row["n"] for row in fitting(as_table(rows), asked, limit)]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("tea", [1, 0]),
        ("tea price", [0, 4, 1]),
        ('"price of tea"', [0]),
        ("tea -coffee", [0]),
        ("creme BRULEE", [2]),
        ("東京", [3]),
        ("agent:a1,a3", [3, 1]),
        ("tea agent:a0", [0]),
        ("kind:error", []),
        ("until:1970-01-02", [4, 3, 2, 1, 0]),
        ("", [4, 3, 2, 1, 0]),
    ],
)
def test_what_fits(query, numbers):
    """Most of the words first, then the newest; accents and case do not matter."""
    assert found(query) == numbers


def test_no_more_than_asked_for():
    assert found("", limit=2) == [4, 3]
