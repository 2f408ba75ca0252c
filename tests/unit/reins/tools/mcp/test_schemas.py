"""Schemas that nobody vouches for."""

import time

import pytest

from reins.tools.mcp.schemas import Checker, SchemaError, harmless

DEEP = {"type": "object"}
for _ in range(60):
    DEEP = {"type": "object", "properties": {"a": DEEP}}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (None, "is no object"),
        ([], "is no object"),
        ({"type": "string"}, "of the type 'string'"),
        ({"properties": {"a": {"enum": 5}}}, "is none"),
        ({"properties": {"a": {"const": "x" * 70_000}}}, "more than 65,536 bytes"),
        (DEEP, "nested deeper than 32"),
    ],
)
def test_what_cannot_be_used_is_refused(schema, words):
    """The tool is left out, and the reason told."""
    with pytest.raises(SchemaError, match=words):
        harmless(schema)


def test_what_is_odd_or_costly_is_left_out():
    """A type that there is none of, a pattern that takes for ever, a reference into the network."""
    schema = harmless({
        "$schema": "http://example.org/x",
        "properties": {
            "a": {"type": "int"},
            "b": {"type": "string", "pattern": "(x+x+)+y"},
            "c": {"$ref": "http://127.0.0.1:9/schema"},
            "pattern": {"type": "integer"},
        },
    })  # fmt: skip
    assert schema["properties"]["pattern"] == {"type": "integer"}
    began = time.monotonic()
    checker = Checker(schema)
    assert checker.faults({"a": 1, "b": "x" * 40, "c": []}) == ""
    assert "pattern: 'no' is not of type 'integer'" in checker.faults({"pattern": "no"})
    assert time.monotonic() - began < 5


def test_a_schema_that_leads_back_to_itself_is_told():
    """However it ends, the call gives an error, and nothing is raised."""
    checker = Checker(harmless({"$ref": "#", "type": "object"}))
    assert "cannot be followed" in checker.faults({"a": 1})


def test_faults_are_few_and_name_the_place():
    """At most three, then their number."""
    checker = Checker(harmless({"properties": {x: {"type": "integer"} for x in "abcde"}}))
    told = checker.faults(dict.fromkeys("abcde", "x"))
    assert told.startswith("a: 'x' is not of type 'integer'; b: ")
    assert told.endswith(" and 2 more")
