"""Patterns of paths: which files an entry means."""

import re

import pytest

from reins.sources.scanning import expression


@pytest.mark.parametrize(
    ("pattern", "fits", "others"),
    [
        ("*.txt", ["a.txt", ".txt"], ["a.csv", "in/a.txt", "a.txt.bak"]),
        ("**/*.txt", ["a.txt", "in/a.txt", "in/it/a.txt"], ["in/a.csv"]),
        ("in/**", ["in/a", "in/it/a"], ["in", "a"]),
        ("in/*/a?", ["in/it/ab"], ["in/ab", "in/it/a", "in/it/on/ab"]),
        ("[ab]*.csv", ["a1.csv", "b.csv"], ["c.csv"]),
        ("[!ab].csv", ["c.csv"], ["a.csv", "/.csv"]),
        ("a+(b).txt", ["a+(b).txt"], ["aab.txt"]),
        ("[", ["["], ["a"]),
    ],
)
def test_patterns(pattern, fits, others):
    matches = re.compile(expression(pattern.split("/"))).fullmatch
    assert [each for each in fits if not matches(each)] == []
    assert [each for each in others if matches(each)] == []
