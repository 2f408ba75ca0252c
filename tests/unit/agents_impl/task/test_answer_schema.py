"""The schema that a call is held to: it takes what the tools take, and the reader reads it."""

import json
from typing import Annotated, Literal

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from agents_impl.task.answer_schema import schema_for, schema_of_calls
from agents_impl.task.own_tools import OWN
from agents_impl.task.reading import read
from reins.tools.declaring import tool
from reins.tools.registry import Registry


class Place(BaseModel):
    town: str
    inside: "Place | None" = None


@tool(risk="low")
def travel(
    to: Place,
    by: Literal["foot", "boat"],
    stops: Annotated[list[Place], Field(max_length=3)] = [],  # noqa: B006 - never changed
    speed: float | None = None,
    notes: dict[str, int] = {},  # noqa: B006 - never changed
) -> None:
    """Go there."""


def answer(name, **arguments):
    return {"thought": "t", "call": {"tool": name, "arguments": arguments}}


def valid(value, tools):
    return Draft202012Validator(schema_of_calls(tools)).is_valid(value)


@pytest.mark.parametrize(
    "given",
    [
        {"to": {"town": "Rome"}, "by": "foot"},
        {"to": {"town": "Rome", "inside": {"town": "Italy"}}, "by": "boat", "speed": 2.5},
        {"to": {"town": "Rome"}, "by": "boat", "stops": [{"town": "Pisa"}], "notes": {"a": 1}},
    ],
)
def test_what_a_tool_takes_fits_and_is_read(given):
    """Nested types, choices, lists, and what may be left out."""
    made = answer("travel", **given)
    assert valid(made, {"travel": travel})
    decided = read(json.dumps(made), {"travel": travel})
    assert (decided.tool, decided.arguments, decided.thought) == ("travel", given, "t")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"to": {"town": "Rome"}, "by": "train"},
        {"to": {"town": 1}, "by": "foot"},
        {"to": {"town": "Rome"}, "by": "foot", "extra": 1},
        {"to": {"town": "Rome"}, "by": "foot", "stops": "Pisa"},
    ],
)
def test_what_a_tool_refuses_by_its_form_does_not_fit(given):
    """A model that is held to it cannot write this."""
    assert not valid(answer("travel", **given), {"travel": travel})


def test_each_tool_of_ours_has_a_schema_that_servers_can_take():
    """No reference, no length of an argument, no pattern: not each server knows these."""
    tools = Registry.load().select(["files", "commands", "memory", "web", "data"]) | OWN
    schema = schema_of_calls(tools)
    Draft202012Validator.check_schema(schema)
    text = json.dumps(schema["properties"]["call"])
    for word in ("$ref", "maxLength", 'pattern": "', "maxItems", "default"):
        assert word not in text
    assert not valid(answer("finish", summary="s"), tools)
    assert valid(answer("finish", status="done", summary="s"), tools)


def test_arguments_of_one_tool_do_not_fit_another():
    """Name and arguments belong together."""
    assert not valid(answer("ask_person", status="done", summary="s"), OWN)


class Given:
    """A tool of somebody else, with a schema as it came."""

    def __init__(self, **parameters):
        self._parameters = parameters

    def spec(self):
        return {"function": {"parameters": self._parameters}}


@pytest.mark.parametrize(
    ("parameters", "fits", "given"),
    [
        ({"type": "object"}, True, {"anything": [1]}),
        ({"type": "object", "properties": {}}, True, {"anything": 1}),
        ({"type": "object", "additionalProperties": {"type": "string"}}, False, {"a": 1}),
        ({"properties": {"a": {"type": ["string", "null"]}}}, True, {"a": None}),
        ({"properties": {"a": {"$ref": "#/$defs/None"}}}, True, {"a": 5}),
        ({"properties": {"a": True}}, True, {"a": 5}),
        ({"properties": {"a": {"type": "integer", "maximum": 9}}}, False, {"a": 10}),
        ({"properties": {"a": {"const": 3}}, "required": ["a"]}, False, {"a": 4}),
        ({"properties": {"a": {"oneOf": [{"type": "string"}]}}}, False, {"a": 4}),
    ],
)
def test_schemas_of_others(parameters, fits, given):
    """As far as the form goes; what is not known may be anything."""
    assert valid(answer("other", **given), {"other": Given(**parameters)}) is fits


def test_it_is_made_where_it_is_asked_for_alone():
    """Routes without the option cost nothing of it."""

    class Never:
        def spec(self):
            raise AssertionError("nobody asked")

    schema = schema_for({"never": Never()})
    assert (schema.kind, schema.arguments) == ("tools", {"json_only": True})
