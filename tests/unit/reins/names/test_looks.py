"""Names and ids that are, or look, the same."""

import pytest

from reins.names.folding import fold
from reins.names.looks import id_form, look_alike, name_forms, told_apart

SAME_NAMES = [
    ("Jos\u00e9", "Jose\u0301"),
    ("Mara", "MARA"),
    ("Mara", "\uff2d\uff41\uff52\uff41"),
    ("Mara", "M\u0430r\u0430"),  # Cyrillic a
    ("MARA", "\u041c\u0410R\u0410"),  # Cyrillic M and A
    ("Nora", "\u039dor\u0430"),  # Greek N, Cyrillic a
    ("Mara", "Ma\u200cra"),
    ("Mara", "Ma\ufe0fra"),
    ("Ada Lovelace", "Ada\u00a0 Lovelace"),
    ("Al", "AI"),
    ("Ian", "lan"),
    ("Bot 10", "Bot lO"),
    ("O'Brien", "O\u2019Brien"),
    ("Jean-Luc", "Jean\u2010Luc"),
    ("Stra\u00dfe", "STRASSE"),
    ("I\u015f\u0131k", "I\u015eIK"),
    ("\u0393\u03b9\u03ce\u03c1\u03b3\u03bf\u03c2", "\u0393\u0399\u03a9\u03a1\u0393\u039f\u03a3"),
    ("\ufb01ona", "Fiona"),
]


@pytest.mark.parametrize(("name", "other"), SAME_NAMES)
def test_names_that_people_take_for_the_same(name, other):
    """Two such could not be told apart in a transcript."""
    assert name_forms(name) & name_forms(other)


@pytest.mark.parametrize(
    ("name", "other"),
    [("Ann", "Anna"), ("Bär", "Bar"), ("Pat 1", "Pat 11"), ("Mara", "Maria"), ("李", "季")],
)
def test_other_names_are_others(name, other):
    """An accent, a letter more, or another sign."""
    assert not name_forms(name) & name_forms(other)


def test_ids_that_look_the_same():
    """Made ids are ASCII, where l and I, and case, tell them apart: those are never the same."""
    assert id_form("a1B0") == "a1B0"
    assert id_form("jose\u0301") == id_form("jos\u00e9") == id_form("j\u043es\u00e9")
    assert id_form("\u0430gent") == "agent"
    assert id_form("\uff41gent") == "agent"
    assert id_form("agent1") != id_form("agentl")
    assert id_form("\u00c9") != id_form("\u00e9")
    assert look_alike("agent", ["Agent", "agent", "\u0430gent"]) == "\u0430gent"
    assert look_alike("agent", ["Agent", "agent"]) is None


def test_an_error_says_where_they_differ():
    """Printed, both would look the same."""
    assert told_apart("M\u0430ra", "Mara") == "U+0430 CYRILLIC SMALL LETTER A"
    assert told_apart("AI", "Al") == "U+0049 LATIN CAPITAL LETTER I"
    assert told_apart("ANN", "Ann") == ""
    assert told_apart("Jose\u0301", "Jos\u00e9") == ""


@pytest.mark.parametrize("text", ["", "plain", "Straße", "\ud800", "İ", "ﬃ", "ก็", "한국", "👩‍🚀"])
def test_folding_twice_is_folding_once(text):
    """It is a normal form; no text is too odd for it."""
    assert fold(fold(text)) == fold(text)
