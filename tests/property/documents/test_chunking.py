"""Any text in pieces is the text."""

from hypothesis import given
from hypothesis import strategies as st

from reins.documents.chunking import MAX_CHARS, chunks_of

PARTS = st.sampled_from(
    ["# h\n", "## sub\n", "```\n", "~~~\n", "\n", "\n\n", "word ", "x" * 700, ". ", "東", "\r", "#"]
)


@given(st.lists(PARTS | st.text(max_size=40), max_size=60).map("".join))
def test_together_they_are_the_text(text):
    """Whatever it holds, its pieces follow each other without a gap."""
    found = chunks_of(text)
    assert "".join(each.text for each in found) == text
    assert all(0 < len(each.text) <= MAX_CHARS for each in found)
    places = [0, *(each.to_char for each in found)]
    assert [each.from_char for each in found] == places[:-1]
