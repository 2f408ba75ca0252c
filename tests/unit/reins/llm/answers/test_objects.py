"""The objects of a text, one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.llm.answers.objects import objects_in


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("words alone, [and] such (things)", []),
        ('{"a": 1}', ['{"a": 1}']),
        ('x {"a": {"b": [1]}} y {c: 2}', ['{"a": {"b": [1]}}', "{c: 2}"]),
        ('[1, 2] [{"a": 1}]', ['[{"a": 1}]']),
        ('{"a": "}{\\\\\\"]"} {}', ['{"a": "}{\\\\\\"]"}', "{}"]),
        ('"it is {" {"a": 1}', []),
        ('{"a": 1} {"b": ', ['{"a": 1}']),
        ("{] {}", ["{}"]),
        ("}{}", ["{}"]),
    ],
)
def test_what_is_found(text: str, found: list[str]) -> None:
    """Outermost ones that are closed, in order; brackets in texts do not count."""
    assert objects_in(text) == found


@given(st.text(alphabet='{}[]"\\ a,:', max_size=200))
def test_any_text(text: str) -> None:
    """Nothing raises, and each piece is one of the text, in order."""
    at = 0
    for piece in objects_in(text):
        at = text.index(piece, at) + len(piece)
        assert (piece[0], piece[-1]) in {("{", "}"), ("[", "]")}
