"""A prompt that is too long is known by every provider's words, and told from other errors."""

import csv
import re
from pathlib import Path

import pytest

from reins.llm.wire.context_length import ContextLength, context_length_in

SEPARATORS = re.compile(r"[^a-z0-9]+")
with Path(__file__).with_name("context_length.tsv").open(encoding="utf-8") as file:
    ROWS = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
SAID = [row for row in ROWS if row["status"]]
OTHERS = [row["words"] for row in ROWS if not row["status"]]


@pytest.mark.parametrize("row", SAID, ids=lambda row: row["provider"])
def test_every_providers_words(row: dict[str, str]) -> None:
    """The error is known, and the lengths that it tells are read."""
    limit, given = (int(row[name]) if row[name] else None for name in ("limit", "given"))
    found = context_length_in(status=int(row["status"]), names="", words=row["words"])
    assert found == ContextLength(limit, given)


@pytest.mark.parametrize(
    "name",
    ["context_length_exceeded", "exceed_context_size_error", "request_too_large",
     "string_above_max_length", "ContextWindowExceededError", "PROMPT_TOO_LONG"],
)  # fmt: skip
def test_names(name: str) -> None:
    """A name says it without a word."""
    names = SEPARATORS.sub("", name.lower())
    assert context_length_in(status=400, names=names, words="") == ContextLength()


@pytest.mark.parametrize("words", OTHERS)
def test_other_errors_are_not_taken_for_it(words: str) -> None:
    """Rates, quotas, unknown models and other limits are not the context's."""
    for status in (400, 429):
        assert context_length_in(status=status, names="invalidrequesterror", words=words) is None


def test_what_quotes_anything_is_read_quickly() -> None:
    """However long, and whatever it holds."""
    for words in ("input " * 5_000, "9," * 50_000, "prompt is " * 9_000, "(" * 50_000):
        context_length_in(status=400, names="", words=words)
