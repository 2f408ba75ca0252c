"""Any text and any JSON: read as the standard library reads it, and refused in one way only."""

import json
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from reins.plans import PlanFormatError, check_laws, from_json, lens, to_json
from reins.plans.json_value import as_json, same
from reins.plans.nodes import KINDS
from reins.plans.positions import JsonTextError, line_and_column, scan

EXAMPLES = int(os.environ.get("PLAN_EXAMPLES", "60"))
"""Set the variable for a campaign."""
law = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)

KEYS = st.sampled_from(
    ["kind", "items", "item", "name", "args", "policy", "n", "lens", "condition", "timeout_s", "x"]
)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False)
    | st.text(max_size=5) | st.sampled_from([*KINDS, "ALL", "N_BEST"])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@law
@given(VALUES, st.sampled_from([None, 1]))
def test_a_text_is_read_as_the_standard_library_reads_it(value, indent):
    """Every value and its place: the text at a key begins with that key."""
    text = json.dumps(value, indent=indent, allow_nan=True)
    if "Infinity" in text:
        return
    scanned = scan(text)
    assert same(scanned.value, json.loads(text))
    for place, offset in scanned.keys.items():
        assert text[offset:].startswith(json.dumps(place[-1]))


@law
@given(VALUES, st.integers(0, 200), st.text(max_size=2))
def test_a_text_that_is_spoilt_is_refused_with_its_line(value, at, other):
    """Or read as the standard library does; nothing else is raised."""
    text = json.dumps(value, indent=1)
    text = text[: at % (len(text) + 1)] + other + text[at % (len(text) + 1) + 1 :]
    try:
        read = scan(text).value
    except JsonTextError as error:
        line, column = line_and_column(text, error.offset)
        assert 1 <= line <= text.count("\n") + 1
        assert column >= 1
    else:
        assert same(read, json.loads(text))


@law
@given(VALUES)
def test_any_json_is_a_plan_or_is_refused(value):
    """Every problem has a line; what is read is written, and read again the same."""
    plan, problems = None, ()
    try:
        plan = from_json(json.dumps(value))
    except PlanFormatError as error:
        problems = error.problems
    if plan is None:
        assert problems
        assert all(problem.line == 1 and problem.message for problem in problems)
    else:
        assert from_json(to_json(plan)) == plan


@law
@given(st.dictionaries(st.text("ab", min_size=1, max_size=2), VALUES, min_size=1), st.data())
def test_a_path_that_is_there_is_a_lens(state, data):
    """Its laws hold at any state that has it, for any value."""
    path, part = [], state
    while isinstance(part, dict | list) and part and (not path or data.draw(st.booleans())):
        key = data.draw(
            st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part)))
        )
        path.append(str(key))
        part = part[key]
    check_laws(lens(".".join(path)), state, data.draw(VALUES))


@law
@given(VALUES)
def test_a_copy_is_the_same_and_another(value):
    """Nothing of it is shared, and it equals what it was made of, as JSON."""
    if "Infinity" not in json.dumps(value):
        copy = as_json(value)
        assert same(copy, value)
        assert copy is not value or not isinstance(value, dict | list)
