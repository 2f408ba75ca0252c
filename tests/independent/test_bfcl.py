"""The right calls of BFCL, in each shape that models write, through the reader and the schemas.

`make independent-setup` installs its data, `make independent` runs this; without them it is
skipped.
"""

import json
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from agents_impl.task.reading import UnreadableError, read
from agents_impl.task.window import tool_line
from reins.tools.outcome import ToolError
from reins.tools.policy import Policy
from tests.independent.gold import HOME, SINGLE, TURNS, asked_in_turns, asked_once, schema_of
from tests.independent.kinds import arguments_of, policy_of
from tests.independent.schema_tool import SchemaTool
from tests.independent.shapes import SHAPES, flat_named, openai_many, plain

pytestmark = pytest.mark.skipif(
    not (HOME / ".stamp").exists(), reason="no BFCL here; run: make independent-setup"
)
LISTED = Path(__file__).with_name("bfcl.json")
"""By name: the calls that do not fit their own schemas, and those that a shape cannot hold."""
CATEGORIES = SINGLE + TURNS


def tools_of(asked):
    return {each["name"]: _tool(json.dumps(each, sort_keys=True)) for each in asked.functions}


@cache
def _tool(described):
    given = json.loads(described)
    schema = schema_of(given["parameters"])
    return SchemaTool(given["name"], given["description"], schema, Policy(), "bfcl")


def asked_in(category):
    return asked_in_turns(category) if category in TURNS else asked_once(category)


def fits(tool, arguments):
    try:
        tool.check(arguments)
    except ToolError:
        return False
    return True


def same(one, other):
    """The same JSON: 1 is not 1.0, nor true."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def ambiguous(shape, arguments):
    """The shape has one field for two: the tool's name and an argument."""
    return shape is flat_named and "name" in arguments


@pytest.mark.parametrize("category", CATEGORIES)
def test_each_right_call_comes_back_from_each_shape(category):
    """Tool and arguments, to the type. What does not is listed by name: questions whose call has
    an argument `name` where one shape calls the tool so; and calls that their own schemas refuse,
    which the reader refuses, too.
    """
    unfit, unwritable, counts = set(), set(), Counter()
    for asked in asked_in(category):
        tools = tools_of(asked)
        for name, arguments in asked.calls:
            right = fits(tools[name], arguments)
            if not right:
                unfit.add(asked.name)
            for shape in SHAPES:
                text = shape(name, arguments)
                if ambiguous(shape, arguments):
                    unwritable.add(asked.name)
                    continue
                counts[right] += 1
                if not right:
                    with pytest.raises(UnreadableError):
                        read(text, tools)
                    continue
                got = read(text, tools)
                assert got.tool == name, f"{asked.name} {shape.__name__}"
                assert same(got.arguments, arguments), f"{asked.name} {shape.__name__}"
    print(f"{category}: {dict(counts)}, unfit {len(unfit)}, unwritable {len(unwritable)}")
    listed = json.loads(LISTED.read_text())
    assert sorted(unfit) == listed["unfit"].get(category, [])
    assert sorted(unwritable) == listed["unwritable"].get(category, [])


@pytest.mark.parametrize("category", [each for each in SINGLE if "parallel" in each])
def test_of_several_calls_in_one_answer_the_last_counts(category):
    """One act a tick: the others are seen to be missing, and asked for again."""
    for asked in asked_in(category):
        tools = tools_of(asked)
        calls = [call for call in asked.calls if fits(tools[call[0]], call[1])]
        if not calls:
            continue
        name, arguments = calls[-1]
        for text in ("\n".join(plain(*each) for each in calls), openai_many(calls)):
            got = read(text, tools)
            assert (got.tool, same(got.arguments, arguments)) == (name, True), asked.name


def test_every_function_is_told_in_a_line():
    """Its name and each argument by name, on one line, whatever its schema."""
    seen = 0
    for category in CATEGORIES:
        for asked in asked_in(category):
            for name, tool in tools_of(asked).items():
                line = tool_line(tool)
                assert "\n" not in line
                assert line.startswith(f"{name}(")
                head = line.partition(") — ")[0]
                assert all(each in head for each in arguments_of(tool._schema)), line
                seen += 1
    assert seen > 8_000


def test_what_the_rule_of_kinds_does_not_know_counts_as_sending():
    """The rule by which AgentDojo's functions have their risks, on other names: only what begins
    like a read is of low risk, and what is not understood asks and counts as sending out.
    """
    found = Counter()
    for name, tool in {
        name: tool
        for category in SINGLE
        for asked in asked_in(category)
        for name, tool in tools_of(asked).items()
    }.items():
        policy = policy_of(name, arguments_of(tool._schema))
        found[policy.risk.name, policy.why] += 1
    print(dict(found))
    assert found["medium", "nobody knows what it does"] + found["high", "nobody knows what it does"]
    assert not {why for risk, why in found if risk == "low"} - {"it reads"}
