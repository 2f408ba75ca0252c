"""docs/migrating-plans.md names what there is."""

import inspect
import re
from types import SimpleNamespace

import pytest

import queue_imp
from reins import kv, mind, plans
from reins.bus import publishing, reactive
from reins.plans import lambdacat
from tests.docs import expected

TEXT = (expected.ROOT / "docs" / "migrating-plans.md").read_text()
NAMES = expected.rows(expected.section(TEXT, "## Names"))
SKETCH = expected.rows(expected.section(TEXT, "## What the sketch named"))
OLD = [
    "Task", "sequence", "parallel", "choose", "focus", "loop_while", "lens", "Actions",
    "compile_plan",
]  # fmt: skip
SKETCHED = [
    "ParallelSpec", "call_action", "remember", "update_belief", "save_json", "load_json", "Bus",
    "span",
]  # fmt: skip
MODULES = {
    "lambdacat": lambdacat, "mind": mind, "kv": kv, "queue_imp": queue_imp,
    "bus": SimpleNamespace(publishing=publishing, reactive=reactive),
}  # fmt: skip
CALL = re.compile(r"`([A-Za-z_][\w.]*)(?:\(([^`]*)\))?`")


def named(cell):
    """The names of ours in a cell, each with the words in its parentheses; upper case is values."""
    found = [(name, words.split(", ") if words else []) for name, words in CALL.findall(cell)]
    skipped = {"ctx", "set", "draft.title", "started_at", "took_ms"}
    return [(name, words) for name, words in found if name not in skipped]


def resolved(name):
    """What the name stands for: in `reins.plans`, in its bridge, or in another module."""
    first, *rest = name.split(".")
    if first in mind.CHANGES:
        return mind.mind_actions().get(first).function
    found = MODULES.get(first) or getattr(plans, first)
    for each in rest:
        annotated = getattr(found, "__dataclass_fields__", {})
        found = annotated[each] if each in annotated else getattr(found, each)
    return found


@pytest.mark.parametrize(
    ("name", "words"), [each for row in (*NAMES, *SKETCH) for each in named(row[1])]
)
def test_each_name_is_there_with_its_arguments(name, words):
    """What the page calls by a name has that name, and takes what it is said to take."""
    found = resolved(name)
    if words:
        taken = {*inspect.signature(found).parameters, *getattr(found, "__dataclass_fields__", {})}
        assert {word.rstrip("=").lstrip("*") for word in words} <= taken


def test_the_old_names_are_all_there_and_no_sketched_one_is_left_out():
    """Each with a row of its own, in this order."""
    first = [name for row in NAMES for name, _ in CALL.findall(row[0])]
    assert [name for name in first if name != "set"] == OLD
    assert [name for row in SKETCH for name, _ in CALL.findall(row[0])] == SKETCHED


def test_all_that_was_sketched_is_here():
    """No row says "not yet" any more."""
    assert [row[0] for row in SKETCH if "not yet" in row[1]] == []


def test_the_tests_that_the_page_points_to_are_there():
    """The property, and the file with what the later version did."""
    for path in re.findall(r"`(tests/[\w/]+\.py)`", TEXT):
        assert (expected.ROOT / path).exists()
