"""The JSON that an answer has to be, for models that are held to a schema: a call of a tool."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from reins.llm import AnswerSchema
from reins.tools.tool import Tool

_THOUGHT_CHARS = 300
_DEEPEST = 6
"""Levels of an argument that are told; what is below may be anything."""
_KEPT = ("type", "enum", "const")
_CHOICES = ("anyOf", "oneOf", "allOf")
_ANYTHING: dict[str, Any] = {}


def schema_for(tools: Mapping[str, Tool]) -> AnswerSchema:
    """What `Think` has to answer, for routes that hold their model to a schema."""
    make = partial(schema_of_calls, tools)
    return AnswerSchema("tools", make, "call", {"json_only": True})


def schema_of_calls(tools: Mapping[str, Tool]) -> dict[str, Any]:
    """The schema of an answer that calls one of these tools, as `reading` takes it.

    It has the form of the arguments alone: not each server that holds a model to a schema knows
    lengths and patterns, and the tool checks them anyway.
    """
    calls = [_call(name, tool.spec()["function"]["parameters"]) for name, tool in tools.items()]
    thought = {"type": "string", "maxLength": _THOUGHT_CHARS}
    return _object({"thought": thought, "call": {"anyOf": calls}})


def _call(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    arguments = _form(parameters, parameters.get("$defs", {}), _DEEPEST)
    return _object({"tool": {"type": "string", "enum": [name]}, "arguments": arguments})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def _form(schema: Any, kinds: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """The form of a value, with what it refers to put in its place."""
    if not isinstance(schema, Mapping) or depth < 0:
        return _ANYTHING
    if "$ref" in schema:
        return _form(kinds.get(str(schema["$ref"]).rsplit("/", 1)[-1]), kinds, depth - 1)
    form: dict[str, Any] = {key: schema[key] for key in _KEPT if key in schema}
    for key in _CHOICES:
        if key in schema:
            form[key] = [_form(each, kinds, depth) for each in schema[key]]
    if "items" in schema:
        form["items"] = _form(schema["items"], kinds, depth - 1)
    inner = schema.get("properties")
    if schema.get("type") == "object" or inner:
        form |= {
            "type": "object",
            "properties": {k: _form(v, kinds, depth - 1) for k, v in (inner or {}).items()},
            "required": list(schema.get("required", ())),
            "additionalProperties": schema.get("additionalProperties", not inner),
        }
    return form
