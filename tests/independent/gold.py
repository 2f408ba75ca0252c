"""BFCL's data: descriptions of functions by their authors, and the right calls to each question."""

import ast
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".venv-bfcl"

SINGLE = (
    "simple_python", "simple_java", "simple_javascript", "multiple", "parallel",
    "parallel_multiple", "live_simple", "live_multiple", "live_parallel", "live_parallel_multiple",
)  # fmt: skip
TURNS = (
    "multi_turn_base", "multi_turn_long_context", "multi_turn_miss_func", "multi_turn_miss_param",
)  # fmt: skip
_CLASSES = {
    "GorillaFileSystem": "gorilla_file_system", "MathAPI": "math_api",
    "MessageAPI": "message_api", "TwitterAPI": "posting_api", "TicketAPI": "ticket_api",
    "TradingBot": "trading_bot", "TravelAPI": "travel_booking",
    "VehicleControlAPI": "vehicle_control",
}  # fmt: skip
_TYPES = {
    "dict": "object", "hashmap": "object", "object": "object", "float": "number",
    "double": "number", "number": "number", "integer": "integer", "long": "integer",
    "string": "string", "char": "string", "boolean": "boolean", "array": "array",
    "arraylist": "array", "tuple": "array",
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A question: the functions that there are, and the calls that answer it, in order."""

    name: str
    functions: tuple
    calls: tuple


def rows(file):
    [data] = HOME.glob("lib/python*/site-packages/bfcl_eval/data")
    return [json.loads(line) for line in (data / file).read_text().splitlines()]


def schema_of(given: dict[str, Any]) -> dict[str, Any]:
    """Its schema with JSON's names of types; a type that JSON has no name for says nothing."""
    kept = {name: value for name, value in given.items() if name in ("description", "enum")}
    if (kind := _TYPES.get(str(given.get("type", "")).lower())) is not None:
        kept["type"] = kind
    if kind == "object" and "properties" in given:
        kept["properties"] = {name: schema_of(each) for name, each in given["properties"].items()}
        kept["required"] = [
            name for name in given.get("required", ()) if name in given["properties"]
        ]
        kept["additionalProperties"] = False
    if kind == "array" and isinstance(given.get("items"), dict):
        kept["items"] = schema_of(given["items"])
    return kept


@cache
def asked_once(category):
    answers = _answers(category)
    found = []
    for row in rows(f"BFCL_v4_{category}.json"):
        known = {each["name"]: each["parameters"] for each in row["function"]}
        calls = [
            (name, _chosen(given, known[name]))
            for call in answers.get(row["id"], ())
            for name, given in call.items()
        ]
        found.append(Asked(row["id"], tuple(row["function"]), tuple(calls)))
    return found


def _answers(category):
    found = rows(f"possible_answer/BFCL_v4_{category}.json")
    return {row["id"]: row["ground_truth"] for row in found}


@cache
def asked_in_turns(category):
    answers = _answers(category)
    found = []
    for row in rows(f"BFCL_v4_{category}.json"):
        functions = [each for name in row["involved_classes"] for each in _functions(name)]
        named = {each["name"]: [*each["parameters"]["properties"]] for each in functions}
        calls = [_parsed(line, named) for turn in answers[row["id"]] for line in turn]
        found.append(Asked(row["id"], tuple(functions), tuple(calls)))
    return found


@cache
def _functions(name):
    return rows(f"multi_turn_func_doc/{_CLASSES[name]}.json")


def _parsed(line, named):
    call = ast.parse(line, mode="eval").body
    name = call.func.id
    given = {key: ast.literal_eval(each) for key, each in zip(named[name], call.args, strict=False)}
    return name, given | {each.arg: ast.literal_eval(each.value) for each in call.keywords}


_LEFT_OUT = object()


def _chosen(given, described):
    """Of the values that are right for each argument one, if it can be one that its schema takes.

    An empty text or a null stands for leaving out what may be left out.
    """
    found = {}
    for name, values in given.items():
        schema = schema_of(described["properties"].get(name, {}))
        needed = name in described.get("required", ())
        known = [_plain(each) for each in values if needed or each not in ("", None)]
        fits = [each for each in known if Draft202012Validator(schema).is_valid(each)]
        if known:
            found[name] = next(iter(fits), known[0])
    return found


def _first(values):
    for each in values:
        if each != "":
            return _plain(each)
    return _LEFT_OUT if values else []


def _plain(value):
    """A value that is right: in an object of a gold call, each field has a list of them."""
    if isinstance(value, dict):
        found = {
            key: _first(each) if isinstance(each, list) else _plain(each)
            for key, each in value.items()
        }
        return {key: each for key, each in found.items() if each is not _LEFT_OUT}
    return [_plain(each) for each in value] if isinstance(value, list) else value
