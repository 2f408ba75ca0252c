"""Text for a terminal."""

import io
import sys
import unicodedata

import pytest

from reins import terminal

CONTROLS = [
    chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Cc"
]
TURNING = [
    chr(code)
    for code in range(sys.maxunicode + 1)
    if unicodedata.bidirectional(chr(code))
    in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
]


@pytest.mark.parametrize(
    "sign", [*CONTROLS, *TURNING, "\u200e", "\u200f", "\u061c", "\u2028", "\u2029"]
)
def test_what_a_terminal_obeys_is_shown(sign):
    """Each control and each mark of direction has a sign of its own; tabs and lines stay."""
    said = terminal.shown(f"a{sign}b")
    if sign in "\t\n":
        assert said == f"a{sign}b"
    else:
        assert said.isprintable()
        assert len(said) > 2


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "Grüße",
        "שלום",
        "\u0645\u0627\u0631\u0627\u200c\u0647\u0627",
        "👩\u200d🚀",
        "a\tb\nc",
        "e\u0301",
        "\u00a0",
        "\ud800",
    ],
)
def test_text_is_left_as_it_is(text):
    """Also joints within words and emoji, which turn nothing."""
    assert terminal.shown(text) == text


def test_lines_of_windows_are_lines():
    """A carriage return before a line's end goes back over nothing."""
    assert terminal.shown("a\r\nb\rc") == "a\nb\u240dc"


def test_no_line_of_a_text_looks_like_one_of_its_own():
    """Further lines are indented."""
    assert terminal.hanging("1 ann: hi\n2 ben: no") == "1 ann: hi\n          2 ben: no"


@pytest.mark.parametrize(
    ("text", "columns"),
    [("abc", 3), ("美咲", 4), ("マラ", 4), ("e\u0301", 1), ("🦊", 2), ("a\u200db", 2)],
)
def test_columns_are_counted(text, columns):
    """Wide letters take two columns, marks none."""
    assert terminal.width(text) == columns
    assert terminal.width(terminal.padded(text, 8)) == 8
    assert terminal.padded(text, 1) == text


def test_a_text_is_cut_at_a_column():
    """Never in the middle of a wide letter."""
    assert terminal.cut("美咲です", 5) == "美咲"
    assert terminal.cut("plain", 5) == "plain"
    assert terminal.cut("plainer", 5) == "plain"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp932", "utf-8"])
def test_a_stream_that_lacks_a_sign_loses_it(encoding):
    """Not the line, nor the command; a surrogate is such a sign everywhere."""
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding)
    terminal.lose_signs(stream)
    print("a…\ud800 ␛ z", file=stream, flush=True)
    assert written.getvalue().startswith(b"a")
    assert written.getvalue().rstrip().endswith(b"z")


def test_streams_of_other_kinds_are_left_alone():
    """What takes any text, or is closed, needs nothing."""
    terminal.lose_signs(io.StringIO())
    closed = io.TextIOWrapper(io.BytesIO())
    closed.close()
    terminal.lose_signs(closed)
