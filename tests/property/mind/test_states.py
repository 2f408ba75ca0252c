"""Laws of the parts of a state: each part by its lens, in objects and in JSON, within its bound."""

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.mind import (
    BOUNDS_BYTES,
    AgentState,
    Beliefs,
    TooLargeError,
    beliefs_of,
    data_of,
    memory_of,
    mind_of,
    profile_of,
    scratch_of,
)
from reins.mind.evidence import order
from reins.plans import check_laws, lens
from tests.property.mind.test_beliefs import law, pieces
from tests.property.mind.test_memories import ACTS, done

OBJECTS = st.dictionaries(
    st.text(max_size=4),
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=5,
    ),
    max_size=3,
)
MEMORIES = ACTS.map(lambda acts: done(acts[:8])[1])
BELIEFS = pieces(most=8).map(
    lambda rows: Beliefs().followed_by(*sorted(rows, key=order), fresh=True)
)
STATES = st.builds(
    AgentState, data=OBJECTS, memory=MEMORIES, beliefs=BELIEFS, profile=OBJECTS, scratch=OBJECTS
)
LENSES = {
    "data": (data_of, OBJECTS),
    "memory": (memory_of, MEMORIES),
    "beliefs": (beliefs_of, BELIEFS),
    "profile": (profile_of, OBJECTS),
    "scratch": (scratch_of, OBJECTS),
}


def test_each_part_has_a_lens_and_a_bound():
    """All five, by the same names."""
    assert list(LENSES) == list(BOUNDS_BYTES) == [each.name for each in fields(AgentState)]


@law
@given(STATES, st.data())
def test_each_lens_keeps_its_laws(state, data):
    """On the object, and through its JSON at a place of a plan's state."""
    name = data.draw(st.sampled_from(list(LENSES)))
    found, values = LENSES[name]
    value = data.draw(values)
    check_laws(found, state, value, name)
    around = {"step": 3, "mind": state.as_json()}
    check_laws(lens("mind") | mind_of | found, around, value, name)
    changed = found.set(state, value)
    others = {each: getattr(state, each) for each in LENSES if each != name}
    assert {each: getattr(changed, each) for each in others} == others


@law
@given(STATES)
def test_json_gives_back_the_same(state):
    """With all five parts, empty ones too."""
    text = json.dumps(state.as_json())
    assert list(json.loads(text)) == list(LENSES)
    assert AgentState.from_json(json.loads(text)) == state
    assert mind_of.set({}, mind_of.get(json.loads(text))) == json.loads(text)


@law
@given(STATES, st.sampled_from(["data", "profile", "scratch"]))
def test_a_part_above_its_bound_is_refused_by_name(state, name):
    """With its size; at its bound it is taken, and the other parts play no part."""
    bound = BOUNDS_BYTES[name]
    full = {"x": "y" * (bound - len('{"x":""}'))}
    assert LENSES[name][0].get(LENSES[name][0].set(state, full)) == full
    with pytest.raises(TooLargeError, match=rf"'{name}' of the state takes {bound + 1:,} bytes"):
        replace(state, **{name: {"x": full["x"] + "y"}})
