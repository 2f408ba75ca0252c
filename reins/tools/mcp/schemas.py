"""Schemas of tools that a server describes: made harmless, and arguments checked by them.

Nobody vouches for such a schema: it may be no schema, lead into the network, or cost for ever.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from jsonschema import Draft202012Validator, ValidationError
from jsonschema import SchemaError as SchemaFault
from referencing import Registry

_TYPES = frozenset(("array", "boolean", "integer", "null", "number", "object", "string"))
_COSTLY = frozenset(
    ("pattern", "patternProperties", "$schema", "$id", "$dynamicRef", "$vocabulary")
)
"""A pattern can take for ever; the others may lead elsewhere."""
_NAMES = frozenset(("properties", "$defs", "definitions", "dependentSchemas"))
_VALUES = frozenset(("const", "default", "enum", "examples", "required", "dependentRequired"))
MOST_BYTES = 64 * 1024
_DEEPEST = 32
_SHOWN = 3


class SchemaError(ValueError):
    """The schema cannot be used."""


def harmless(schema: object) -> dict[str, Any]:
    """The schema by which arguments are checked. Raises: SchemaError."""
    if not isinstance(schema, dict):
        raise SchemaError("its input schema is no object")
    if len(orjson.dumps(schema, default=repr, option=orjson.OPT_NON_STR_KEYS)) > MOST_BYTES:
        raise SchemaError(f"its input schema has more than {MOST_BYTES:,} bytes")
    made = _made(schema, 0)
    if made.setdefault("type", "object") != "object":
        raise SchemaError(f"its input schema is of the type {made['type']!r}, expected an object")
    try:
        Draft202012Validator.check_schema(made)
    except (SchemaFault, RecursionError, ValueError, TypeError, KeyError) as error:
        raise SchemaError(f"its input schema is none: {str(error)[:200]}") from None
    return made


def _made(schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise SchemaError(f"its input schema is nested deeper than {_DEEPEST}")
    found: dict[str, Any] = {}
    for name, value in schema.items():
        if name in _COSTLY or (name == "$ref" and not str(value).startswith("#")):
            continue
        if name == "type":
            kinds = [value] if isinstance(value, str) else value
            if isinstance(kinds, list) and kinds and all(each in _TYPES for each in kinds):
                found[name] = value
        elif name in _VALUES:
            found[name] = value
        elif name in _NAMES and isinstance(value, dict):
            found[name] = {each: _any(below, depth) for each, below in value.items()}
        else:
            found[name] = _any(value, depth)
    return found


def _any(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        return _made(value, depth + 1)
    if isinstance(value, list):
        return [_any(each, depth + 1) for each in value]
    return value


class Checker:
    """Checks arguments by a schema that is harmless."""

    def __init__(self, schema: dict[str, Any]) -> None:
        # With a registry of its own it asks no network for what the schema refers to.
        self._validator = Draft202012Validator(schema, registry=Registry())

    def faults(self, arguments: Mapping[str, Any]) -> str:
        """The faults of the arguments, in a line; empty where they fit."""
        try:
            found = [*self._validator.iter_errors(dict(arguments))]
        except Exception as error:  # noqa: BLE001 - whatever becomes of a schema of others
            return f"its schema cannot be followed: {type(error).__name__}: {error}"[:300]
        told = [_told(each) for each in found[:_SHOWN]]
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        return f"{'; '.join(told)}{more}"


def _told(error: ValidationError) -> str:
    where = ".".join(map(str, error.absolute_path)) or "arguments"
    return f"{where}: {error.message[:200]}"
