"""The JSON that an answer has to be, for models that are held to a schema: a call of a tool."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from reins.llm import AnswerSchema
from reins.llm.calls.schema_form import form_of, object_of
from reins.tools.tool import Tool

_THOUGHT_CHARS = 300
"""A small model would not come to the end of its thought."""


def schema_for(tools: Mapping[str, Tool]) -> AnswerSchema:
    """The answer of `Think`, for routes that hold their model to a schema."""
    make = partial(schema_of_calls, tools)
    return AnswerSchema("tools", make, "call", {"json_only": True})


def schema_of_calls(tools: Mapping[str, Tool]) -> dict[str, Any]:
    """The schema of an answer that calls one of these tools, in a form that `reading` takes."""
    calls = [_call(name, tool.spec()["function"]["parameters"]) for name, tool in tools.items()]
    thought = {"type": "string", "maxLength": _THOUGHT_CHARS}
    return object_of({"thought": thought, "call": {"anyOf": calls}})


def _call(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    called = {"type": "string", "enum": [name]}
    return object_of({"tool": called, "arguments": form_of(parameters)})
