"""A plan as JSON: each node an object with its `kind`; what is as by default is left out."""

import dataclasses
import json
from typing import Any

from reins.plans.errors import PlanError
from reins.plans.json_value import as_json
from reins.plans.nodes import Node


def to_data(plan: Node) -> dict[str, Any]:
    """The plan as JSON values. Raises: PlanError for a function or lens that has no name."""
    data = _data(plan, "plan")
    assert isinstance(data, dict)
    return data


def to_json(plan: Node, *, indent: int | None = None) -> str:
    """The plan as JSON text. Raises: PlanError for a function or lens that has no name."""
    return json.dumps(to_data(plan), indent=indent, ensure_ascii=False)


def _data(value: Any, at: str) -> Any:
    if dataclasses.is_dataclass(value) and hasattr(value, "kind"):
        return {"kind": value.kind} | _fields(value, at)
    if isinstance(value, tuple):
        return [_data(each, f"{at}.{index}") for index, each in enumerate(value)]
    if dataclasses.is_dataclass(value) and not callable(getattr(value, "get", None)):
        return _fields(value, at)
    if callable(value) or (hasattr(value, "get") and not isinstance(value, dict)):
        raise PlanError(
            f"{at} is {value!r:.60}, which JSON does not hold; register it with Actions, "
            f"and put its name there"
        )
    try:
        return as_json(value, at)
    except ValueError as error:
        raise PlanError(str(error)) from None


def _fields(value: Any, at: str) -> dict[str, Any]:
    made = {}
    for each in dataclasses.fields(value):
        given = getattr(value, each.name)
        default = each.default_factory() if callable(each.default_factory) else each.default
        if each.name != "kind" and not (type(given) is type(default) and given == default):
            made[each.name] = _data(given, f"{at}.{each.name}")
    return made
