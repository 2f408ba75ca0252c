import pytest

from reins.web.api.conversations.markdown import inline, quote


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello", "> hello  "),
        ("one\ntwo\r\nthree", "> one  \n> two  \n> three  "),
        ("one\n\n two", "> one  \n>\n> \u00a0two  "),
        ("", ">"),
        ("\n", ">"),
        ("# a #b", "> \\# a #b  "),
        ("1. a\n12) b\n1999 c", "> 1\\. a  \n> 12\\) b  \n> 1999 c  "),
        ("- a - b", "> \\- a - b  "),
        ("    if x:\n\ty", "> \u00a0\u00a0\u00a0\u00a0if x:  \n> \u00a0\u00a0\u00a0\u00a0y  "),
        ("snake_case _em_ __init__", "> snake_case \\_em\\_ \\_\\_init\\_\\_  "),
        ("<b> a > b &lt; Q&A", "> &lt;b> a > b &amp;lt; Q&A  "),
        ("a\\*b", "> a\\\\\\*b  "),
        ("a\u2028b\x85c", "> a  \n> b  \n> c  "),
    ],
)
def test_a_text_is_quoted_as_it_is(text, expected):
    """Each line within the quote; nothing in it is more than text."""
    assert quote(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\n# b", "a \\# b"), (" C# #", "C# \\#"), ("<i>*x*|", "&lt;i>\\*x\\*\\|"), (" \n ", "")],
)
def test_a_text_stays_on_its_line(text, expected):
    assert inline(text) == expected


def test_what_a_terminal_obeys_is_shown():
    """A document is printed there, too; marks that only say which way a word runs stay."""
    assert inline("a\x1b[2J\u202eb") == "a\u241b\\[2J&lt;U+202E>b"
    assert quote("a\x07\n\x9bb\u200f") == "> a\u2407  \n> \u241b\\[b\u200f  "
