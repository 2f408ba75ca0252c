"""Lenses over dicts, lists, dataclasses and Pydantic models; their laws."""

from dataclasses import dataclass

import pytest
from pydantic import BaseModel

from reins.plans import Lens, PlanError, check_laws, lens


@dataclass(frozen=True)
class Author:
    name: str


class Draft(BaseModel):
    title: str
    author: Author
    lines: list[str] = []


STATE = {"draft": Draft(title="cats", author=Author("ann"), lines=["a", "b"]), "n": 1}


@pytest.mark.parametrize(
    ("path", "value", "other"),
    [
        ("n", 1, 2),
        ("draft.title", "cats", "dogs"),
        ("draft.author.name", "ann", "bob"),
        ("draft.lines.1", "b", "c"),
        (".", STATE, {"n": 3}),
    ],
)
def test_a_path_reaches_a_part(path, value, other):
    """Through every kind of state; the laws hold, and nothing is changed in place."""
    found = lens(path)
    before = repr(STATE)
    assert found.get(STATE) == value
    assert found.get(found.set(STATE, other)) == other
    check_laws(found, STATE, other)
    assert repr(STATE) == before


def test_lenses_are_composed():
    """`|` reaches the part of the part, and is associative."""
    one, two, three = lens("draft"), lens("author"), lens("name")
    for found in ((one | two) | three, one | (two | three), lens("draft.author.name")):
        assert found.modify(STATE, str.upper) == lens("draft.author.name").set(STATE, "ANN")


def test_a_lens_of_two_functions():
    """The pair as it is given, `set(state, value)`."""
    half: Lens[int, int] = lens(lambda state: state // 2, lambda _state, value: value * 2)
    assert (half.get(8), half.set(8, 3)) == (4, 6)
    check_laws(half, 8, 3)
    with pytest.raises(PlanError, match=r"set\(state, get\(state\)\) must give the state back"):
        check_laws(half, 9, 3)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("daft", "there is no key 'daft'; did you mean 'draft'?"),
        ("draft.titel", "there is no field 'titel'; did you mean 'title'?"),
        ("draft.lines.2", "there is no place '2' in a list of 2"),
        ("draft.lines.-1", "there is no place '-1'"),
        ("n.m", "1 has no parts"),
    ],
)
def test_a_part_that_is_not_there(path, words):
    """Neither got nor set: a path does not make what is missing."""
    for reach in (lens(path).get, lambda state: lens(path).set(state, 1)):
        with pytest.raises(LookupError) as error:
            reach(STATE)
        assert words in str(error.value)


@pytest.mark.parametrize("wrong", [("a.",), (5,), (len,), ("a", len)])
def test_what_is_no_lens_is_refused(wrong):
    """A bad path, a number, half a pair."""
    with pytest.raises(PlanError):
        lens(*wrong)
