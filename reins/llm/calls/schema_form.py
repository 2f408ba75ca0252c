"""The form of values that a JSON schema tells: the part of it that any server can hold a model to.

Lengths, patterns and the like are left out: not each server knows them, and a grammar that counts
signs to thousands is slow or refused. Whoever reads the answer checks them.
"""

from collections.abc import Mapping
from typing import Any

_DEEPEST = 6
"""Levels of a value that are told; what is below may be anything."""
_KEPT = ("type", "enum", "const")
_BOUNDS = ("minimum", "maximum")
"""Of whole numbers: without them a small model writes digits to no end."""
_CHOICES = ("anyOf", "oneOf", "allOf")


def form_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The form alone, with what the schema refers to put in its place."""
    return _form(schema, schema.get("$defs", {}), _DEEPEST)


def object_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object with all of these and no others, in this order."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [*properties],
        "additionalProperties": False,
    }


def _form(schema: Any, kinds: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if not isinstance(schema, Mapping) or depth < 0:
        return {}
    if "$ref" in schema:
        return _form(kinds.get(str(schema["$ref"]).rsplit("/", 1)[-1]), kinds, depth - 1)
    form: dict[str, Any] = {key: schema[key] for key in _KEPT if key in schema}
    if schema.get("type") == "integer":
        form |= {key: schema[key] for key in _BOUNDS if key in schema}
    for key in _CHOICES:
        if key in schema:
            form[key] = [_form(each, kinds, depth - 1) for each in schema[key]]
    if "items" in schema:
        form["items"] = _form(schema["items"], kinds, depth - 1)
    inner = schema.get("properties")
    if schema.get("type") == "object" or inner:
        further = schema.get("additionalProperties", not inner)
        form |= {
            "type": "object",
            "properties": {k: _form(v, kinds, depth - 1) for k, v in (inner or {}).items()},
            "required": list(schema.get("required", ())),
            "additionalProperties": further
            if isinstance(further, bool)
            else _form(further, kinds, depth - 1),
        }
    return form
