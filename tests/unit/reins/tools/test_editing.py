"""Edits by exact text: the ladder, and what is said where no step of it fits."""

import time

import pytest

from reins.tools.changes import diff
from reins.tools.editing import edit
from reins.tools.outcome import ToolError

CODE = "def one():\n    return 1\n\n\ndef two():\n\treturn 2  \n"


def test_exact_text_is_replaced_once():
    """Nothing else of the file changes, and the line is told."""
    made = edit(CODE, "return 1", "return 10")
    assert (made.content, made.how, made.line) == (CODE.replace("1", "10"), "exact", 2)


def test_blanks_at_the_ends_of_lines_may_differ():
    """The second step."""
    made = edit("a  \nb\t\nc\n", "a\nb", "A\nB")
    assert (made.content, made.how) == ("A\nB\nc\n", "trailing blanks")


def test_the_indentation_of_the_whole_may_differ():
    """The third step: the new lines get that of the file, tabs stay tabs."""
    made = edit("if x:\n\tif y:\n\t\tgo()\n\t\tstop()\n", "go()\nstop()", "go()\nif z:\n\tstop()")
    assert made.content == "if x:\n\tif y:\n\t\tgo()\n\t\tif z:\n\t\t\tstop()\n"
    made = edit("    a\n      b\n", "  a\n    b", "  c\n\n    d")
    assert (made.content, made.how) == ("    c\n\n      d\n", "indentation")


def test_line_ends_of_windows_stay():
    """A model gives plain ones."""
    assert edit("a\r\nb\r\nc\r\n", "a\nb", "x\ny").content == "x\r\ny\r\nc\r\n"


def test_lines_are_taken_out():
    """By an empty new text."""
    assert edit("a \nb \nc\n", "a\nb\n", "").content == "c\n"
    assert edit("a\nb\nc\n", "b\n", "").content == "a\nc\n"


@pytest.mark.parametrize(
    ("content", "old", "new", "said"),
    [
        ("a\nb\na\n", "a", "x", r"more than one place \(lines 1, 3\)"),
        ("aaa", "aa", "x", "more than one place"),
        ("a \nb\na\t\nb\n", "a\nb", "x", "but for trailing blanks"),
        (" a\n b\n  a\n  b\n", "   a\n   b", "x", "but for indentation"),
        ("a", "", "x", "empty"),
        ("a", " \n", "x", "empty"),
        ("a", "a", "a", "the same"),
        ("  a\n  b\n", "    a\n    b", "  x", "fits neither"),
        ("", "a", "b", "not in the file. No line"),
        ("x\n" * 10, "entirely other", "b", "No line in it looks like"),
    ],
)
def test_an_edit_that_is_refused(content, old, new, said):
    """It says why, and what would do."""
    with pytest.raises(ToolError, match=said):
        edit(content, old, new)


def test_the_nearest_lines_are_told_with_their_numbers():
    """And nothing is written in their place."""
    with pytest.raises(ToolError) as raised:
        edit(
            "import os\n\n\ndef total(values):\n    return sum(values)\n", "def totals(value):", ""
        )
    assert "     4\tdef total(values):\n     5\t    return sum(values)" in str(raised.value)


def test_an_edit_of_a_large_file_is_quick():
    """Twenty thousand lines, a text that is not there."""
    with pytest.raises(ToolError):
        edit("".join(f"    line {n}\n" for n in range(20_000)), "  line 1\n  line 3", "x")


@pytest.mark.parametrize(
    ("content", "old"),
    [
        ("a\n" * 100_000, "a \n" * 25_000 + "b"),
        ("a\n" * 100_000, "a \n" * 50_000),
        ("  a\n" * 100_000, "a\n" * 25_000 + " a"),
        ("  a\n" * 100_000, " a\na\n" * 10),
        (" \n" * 200_000 + "a", "\n" * 100_000 + "a\nb"),
        (("a\n" * 999 + "b\n") * 200, ("a \n" * 999 + "b \n") * 99 + "c"),
        ("".join(f"{'a' * 100}{n:060b}\n".translate({48: "a"}) for n in range(5_000)), "a1" * 80),
    ],
    ids=map(str, range(7)),
)
def test_no_file_makes_an_edit_slow(content, old):
    """Lines that repeat took minutes, compared at each place; a second is what a slow day needs."""
    began = time.process_time()
    with pytest.raises(ToolError):
        edit(content, old, "x")
    assert time.process_time() - began < 5


def test_places_that_nearly_fit_are_looked_at_up_to_a_bound():
    """It says what to do instead; below the bound the one that fits is found."""
    with pytest.raises(ToolError, match="repeats these lines too often"):
        edit("  a\n" * 100_000, "a\n" * 25_000 + " a", "x")
    made = edit("  a\n" * 1_000 + "   a\n" + "  a\n" * 1_000, "a\n a", "x")
    assert (made.how, made.line) == ("indentation", 1_000)


def test_a_diff_shows_the_change_with_the_numbers_of_the_file():
    """Of a long file too."""
    old = "".join(f"{n}\n" for n in range(5_000))
    shown = diff("a.txt", old, old.replace("2500\n", "here\n"))
    assert shown.splitlines() == [
        "--- a.txt", "+++ a.txt", "@@ -2498,7 +2498,7 @@", " 2497", " 2498", " 2499", "-2500",
        "+here", " 2501", " 2502", " 2503",
    ]  # fmt: skip
    assert diff("a", "", "x\n").splitlines()[2:] == ["@@ -0,0 +1 @@", "+x"]
    assert diff("a", "x", "x") == ""


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("a\n", "a\r\n", ["-a", "+a␍"]),
        ("a\r\nb\r\n", "a\nb\r\n", ["-a␍", "+a", " b␍"]),
        ("a\n", "a", ["-a", "+a", "\\ No newline at end of file"]),
        ("a", "a\n", ["-a", "\\ No newline at end of file", "+a"]),
        ("a\n", "a\n\n", [" a", "+"]),
        ("a\x0cb\n", "a\nb\n", ["-a\x0cb", "+a", "+b"]),
        ("a\u2028b\n", "a\nb\n", ["-a\u2028b", "+a", "+b"]),
        ("", "a", ["+a", "\\ No newline at end of file"]),
        ("a\r\n", "a␍\n", ["-a␍", "+a␍"]),
    ],
)  # fmt: skip
def test_no_change_looks_like_none(old, new, shown):
    """Line ends of Windows, a last line without one, and signs that some take for line ends."""
    assert diff("f", old, new).split("\n")[3:] == shown


def test_a_diff_of_another_file_altogether_is_bounded():
    """In time and size."""
    shown = diff(
        "a", "".join(f"{n}\n" for n in range(30_000)), "".join(f"{n}b\n" for n in range(9))
    )
    assert len(shown) < 70_000
    assert shown.endswith("left out]")
