"""A plan read from JSON: checked, and every mistake told with line, column and place."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reins.plans.errors import PlanError, PlanNameError, listed
from reins.plans.naming import unknown
from reins.plans.nodes import KINDS, LEVELS, NODES, Limits, Node
from reins.plans.positions import JsonTextError, Place, Scanned, line_and_column, scan

_PLAN: TypeAdapter[Node] = TypeAdapter(Node)
_NOT_KEYS = ("unexpected_keyword_argument", "extra_forbidden")
_WRITTEN_SO = {
    "race": "there is no kind 'race'; write a parallel whose policy is FIRST_COMPLETED",
    "best_of": "there is no kind 'best_of'; write a parallel whose policy is N_BEST",
    "custom": "there is no kind 'custom'; write a node, and what it uses as use",
}
_IN_JSON = {
    "tuple_type": "Input should be a list",
    "dict_type": "Input should be an object",
    "dataclass_type": "Input should be an object",
    "too_short": "Input should not be empty",
}
"""Words for mistakes whose own are about Python."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake in a plan's text: line and column from 1, the place, and what is wrong."""

    line: int
    column: int
    place: str
    message: str

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{self.line}:{self.column}: {where}{self.message}"


class PlanFormatError(PlanError):
    """The text is no plan. `problems`: each mistake with its line."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(listed(map(str, problems)))
        self.problems = problems


def from_json(text: str) -> Node:
    """The plan that the text has. Raises: PlanFormatError with all that is wrong."""
    try:
        scanned = scan(text)
    except JsonTextError as error:
        raise PlanFormatError((_problem(text, error.offset, error.place, str(error)),)) from None
    _check_size(text, scanned)
    try:
        return _PLAN.validate_python(scanned.value)
    except ValidationError as error:
        found = [_told(text, scanned, each) for each in error.errors(include_url=False)]
        found.sort(key=lambda problem: (problem.line, problem.column))
        raise PlanFormatError(tuple(found)) from None


def located(text: str, error: PlanNameError) -> PlanFormatError:
    """The names that are not there, with the lines of the text that the plan was read from."""
    values = scan(text).values
    return PlanFormatError(
        tuple(_problem(text, values[place], place, words) for place, words in error.found)
    )


def schema() -> dict[str, Any]:
    """The JSON schema of a plan."""
    return _PLAN.json_schema()


def _check_size(text: str, scanned: Scanned) -> None:
    """Levels and nodes, before they are made. Raises: PlanFormatError."""
    waiting: list[tuple[Place, int, Any]] = [((), 1, scanned.value)]
    count = 0
    while waiting:
        place, level, value = waiting.pop()
        count += 1
        words = None
        if level > LEVELS:
            words = f"the plan has more than {LEVELS} levels; make it flatter"
        elif count > NODES:
            words = f"the plan has more than {NODES:,} nodes; let an action return a part of it"
        if words:
            raise PlanFormatError((_problem(text, scanned.values[place], place[:12], words),))
        if isinstance(value, dict):
            items = value.get("items")
            beneath = enumerate(items) if isinstance(items, list) else ()
            waiting += [((*place, "items", at), level + 1, each) for at, each in beneath]
            if "item" in value:
                waiting.append(((*place, "item"), level + 1, value["item"]))


def _told(text: str, scanned: Scanned, error: Any) -> Problem:
    place = _without_tags(error["loc"])
    if error["type"] in _NOT_KEYS and place in scanned.keys:
        return _problem(text, scanned.keys[place], place, _no_key(scanned, place))
    if error["type"] == "union_tag_invalid":
        tag = error["ctx"]["tag"]
        words = _WRITTEN_SO.get(tag) or unknown("kind", tag, KINDS)
        return _problem(text, scanned.values[*place, "kind"], place, words)
    if error["type"] == "union_tag_not_found":
        return _problem(text, scanned.values[place], place, "Field required: kind")
    at = place
    while at and at not in scanned.values:
        at = at[:-1]  # what is missing stands nowhere: its object does
    words = str(error["msg"]).removeprefix("Value error, ")
    words = _IN_JSON.get(error["type"], words)
    if error["type"] == "model_attributes_type":
        words = "Input should be an object with a kind, or the name of an action"
    return _problem(text, scanned.values[at], place, words)


def _no_key(scanned: Scanned, place: Place) -> str:
    """The words for a key that its object does not have."""
    around = scanned.value
    for part in place[:-1]:
        around = around[part]
    kind = KINDS.get(around.get("kind"), Limits)
    return unknown("key", str(place[-1]), (each.name for each in dataclasses.fields(kind)))


def _without_tags(found: "tuple[str | int, ...]") -> Place:
    """The place without the union's tags: one stands wherever a node does."""
    place: list[str | int] = []
    node = True
    for part in found:
        if node and part in KINDS:
            node = False
            continue
        node = part == "item" or (isinstance(part, int) and place[-1:] == ["items"])
        place.append(part)
    return tuple(place)


def _problem(text: str, offset: int, place: Place, message: str) -> Problem:
    return Problem(*line_and_column(text, offset), ".".join(map(str, place)), message)
