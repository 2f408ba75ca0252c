"""What goes on record holds no key, and is bounded."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins import redaction
from reins.llm.redact import CUT, cut, for_record
from reins.redaction import HIDDEN, Redactor

KEYS = ["my-secret-key", "my-secret-key-2", 'quo"ted\\key']


@pytest.fixture(autouse=True, scope="module")
def known():
    """The keys are known while these tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redaction, "_redactor", Redactor(KEYS))
        yield


@pytest.fixture(autouse=True)
def nothing_secret(known):
    """They stay known from test to test."""


@given(st.text(), st.sampled_from(KEYS), st.text())
def test_keys_of_routes_go(before: str, key: str, after: str) -> None:
    """A key is taken out wherever it stands, plain or as JSON has it, and nothing else."""
    for shape in (key, json.dumps(key)):
        found = for_record(before + shape + after, 100_000)
        assert all(each not in found for each in KEYS)
    plain = (before + after).replace("sk-", "").replace("earer", "").replace("AIza", "")
    if not any(key in plain for key in KEYS):
        assert for_record(plain, 100_000) == plain


@pytest.mark.parametrize(
    "key",
    ["sk-proj-" + "a1B2" * 8, "sk-ant-api03-" + "x" * 40, "AIza" + "Sy" * 18, "Bearer abc.def-123"],
)
def test_what_looks_like_a_key_goes(key: str) -> None:
    """Keys of others, by their common shapes."""
    assert for_record(f"take {key} please", 1_000) == f"take {HIDDEN} please"


@pytest.mark.parametrize("text", ["a task-force", "sk-8", "the bearer of news", "AIza"])
def test_what_merely_begins_like_a_key_stays(text: str) -> None:
    """What merely begins like a key stays as it is."""
    assert for_record(text, 1_000) == text


@given(st.text(max_size=200), st.integers(20, 400))
def test_a_cut_text_is_bounded_and_marked(text: str, most: int) -> None:
    """At most so many bytes, whole characters, and a mark where something is missing."""
    made = cut(text, most)
    assert len(made.encode()) <= most
    assert made == text or made.endswith(CUT)
    assert text.startswith(made.removesuffix(CUT))


def test_no_half_of_a_key_is_left_at_the_cut() -> None:
    """A key that lies across the cut is gone as well."""
    for at in range(80, 101):
        made = for_record("x" * at + "my-secret-key" + "y" * 100_000, 100)
        assert "my-" not in made
