"""Chunks: pieces of a text without a gap, each with its exact place."""

import pytest

from reins.documents.chunking import MAX_CHARS, chunks_of

TEXT = """# Tea

Green tea is not fermented.

## Prices

Prices have doubled.

```
# no heading
```

### By *year* ##
2020: 3
# Coffee
Beans.
"""


def test_pieces_stand_under_their_headings():
    """A heading begins a piece, and names it with those above; one within code does not."""
    assert [(each.heading, each.text.split("\n")[0]) for each in chunks_of(TEXT)] == [
        ("Tea", "# Tea"),
        ("Tea > Prices", "## Prices"),
        ("Tea > Prices > By *year*", "### By *year* ##"),
        ("Coffee", "# Coffee"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "\n\n \n", "word", TEXT, "x" * (3 * MAX_CHARS + 1), "a b " * MAX_CHARS,
        "Ein Satz. " * 1_000, "line\n" * 2_000, "東京の天気は晴れです。" * 400,
        "```\n" + "code\n\n" * 900,
        "# " + "h" * 5_000, "\u2028 \x85 odd\x0bbreaks" * 300, "😀" * 2_000,
    ],
)  # fmt: skip
def test_together_they_are_the_text(text):
    """No character is lost or stands twice, and none is longer than it may be."""
    found = chunks_of(text)
    assert "".join(each.text for each in found) == text
    at = 0
    for each in found:
        assert (each.from_char, each.to_char) == (at, at + len(each.text))
        assert 0 < len(each.text) <= MAX_CHARS
        assert len(each.heading) <= 200
        at = each.to_char


def test_a_long_paragraph_is_cut_between_sentences():
    """And not in the middle of a word, where there is any other place."""
    text = "This is a sentence of some words. " * 100
    assert all(each.text.endswith(". ") for each in chunks_of(text))


def test_short_paragraphs_are_put_together():
    """A piece holds as many paragraphs of one heading as there is room for."""
    found = chunks_of("A short one.\n\n" * 200)
    assert len(found) == -(-len("A short one.\n\n" * 200) // (MAX_CHARS // 14 * 14))
