"""Who is meant in a text: the names of people, in the scripts and languages that they write."""

import tomllib
from pathlib import Path

import pytest

from reins.names.hearing import is_named

CASES = tomllib.loads(Path(__file__).with_name("heard.toml").read_text(encoding="utf-8"))
OTHERS = CASES.pop("other_words")


@pytest.mark.parametrize(
    ("text", "name"),
    [pytest.param(*case, id=f"{kind}-{case[0]!a}") for kind in CASES for case in CASES[kind]],
)
def test_a_name_is_heard(text, name):
    """In any form of Unicode, in any case, with what its language puts at it, inside Markdown."""
    assert is_named(text, name)


@pytest.mark.parametrize(("text", "name"), OTHERS)
def test_another_word_is_no_name(text, name):
    """A name is whole, is no part of a longer word, and never a pattern."""
    assert not is_named(text, name)


@pytest.mark.parametrize(
    ("text", "name", "other", "named"),
    [
        ("Evan, you?", "Eva", "Evan", False),
        ("Evan, and Eva?", "Eva", "Evan", True),
        ("Mary Ann, you?", "Ann", "Mary Ann", False),
        ("Mary Ann and Ann", "Ann", "Mary Ann", True),
        ("田中一郎さん", "田中", "田中一郎", False),
        ("Ann?", "Ann", "ANN", True),
    ],
)
def test_a_longer_name_of_another_is_the_others(text, name, other, named):
    """Where both are there, whoever bears the whole name is meant."""
    assert is_named(text, name, ["Cy", other]) is named


@pytest.mark.parametrize("text", ["", "Ann", "\u200b", "ß" * 1000, "\ud800", "Ann\ud800"])
@pytest.mark.parametrize("name", ["", " ", "\u200d", "Ann", "\ud800", "[", "\\", "^a$"])
def test_any_text_and_any_name_do(text, name):
    """A name of nothing is never heard; nothing raises."""
    assert is_named(text, name) is (bool(name.strip("\u200d ")) and name in text)


def test_a_capital_is_found_after_letters_that_fold_to_two():
    """One letter alone is an ending only at a word that is written as a name."""
    assert is_named("Straße, ﬃ, İ: Maran", "Mara")
    assert not is_named("STRAßE, ẞ, İ: maran", "Mara")


def test_long_texts_take_no_time(request):
    """A text as long as a message may be, and names that begin as its words do."""
    text = "Péter és Mara " * 20_000
    assert not is_named(text, "Maraton")
    assert is_named(f"{text} Maraton", "Maraton")
