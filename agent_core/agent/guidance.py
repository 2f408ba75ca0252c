"""Guidance: parsed by the type's own model, or by a kind that every type of agent takes."""

import functools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from agent_core.session.decisions import Recorded
from agent_core.session.log import Event
from agent_core.session.session import Session


class GuidanceRejectedError(ValueError):
    """The guidance does not mean anything to this agent; the message says what would."""


_NOTHING = Recorded((), {})


def _nothing() -> None:
    """Nothing follows."""


def _nothing_more() -> AbstractContextManager[Recorded]:
    return nullcontext(_NOTHING)


@dataclass(frozen=True, slots=True)
class Taken:
    """Guidance that was taken in: its line in the log, further rows, and what follows them."""

    did: str
    events: Sequence[Event] = ()
    then: Callable[[], object] = field(default=_nothing)
    recording: AbstractContextManager[Recorded] = field(default_factory=_nothing_more)
    """Around the commit; gives what is committed beside it."""


@dataclass(frozen=True, slots=True)
class ChassisGuidance:
    """A kind of guidance that every type of agent takes.

    `expected` completes an error's "expected …". `take` applies it to the session.
    """

    model: type[BaseModel]
    expected: str
    take: Callable[[Session, Any], Taken]


CHASSIS_GUIDANCE: dict[str, ChassisGuidance] = {}
"""The value of its field `type` to each kind; the room that brings a kind registers it."""


@dataclass(frozen=True, slots=True)
class ForChassis:
    """Guidance of one of those kinds, as its model."""

    kind: ChassisGuidance
    value: BaseModel


def for_chassis(raw: object) -> ForChassis | None:
    """The guidance, if it is of a kind that every type takes. Raises: GuidanceRejectedError."""
    given = _object_in(raw) if isinstance(raw, str) else raw
    named = given.get("type") if isinstance(given, dict) else None
    kind = CHASSIS_GUIDANCE.get(named) if isinstance(named, str) else None
    if kind is None:
        return None
    try:
        return ForChassis(kind, kind.model.model_validate(given))
    except ValidationError as error:
        raise GuidanceRejectedError(
            f"guidance of type {named} does not fit: {problems(error)}; expected {kind.expected}"
        ) from error


def problems(error: ValidationError) -> str:
    """The problems that Pydantic found, on one line, without quoting all that was given."""
    return "; ".join(
        f"{'.'.join(str(part) for part in p['loc']) or 'value'}: {p['msg']}"
        for p in error.errors(include_url=False)[:5]
    )


@functools.lru_cache(maxsize=64)  # types come anew with each reload
def adapter_of(guidance: Any) -> TypeAdapter[Any]:
    """The validator of a type's guidance: to make it costs as much as to take guidance in."""
    return TypeAdapter(guidance)


def shape_of(guidance: Any) -> str:
    """The form of a type's guidance, as an error names it."""
    schema = adapter_of(guidance).json_schema()
    if kinds := schema.get("discriminator"):
        names = ", ".join(kinds["mapping"])
        return f"an object whose {kinds['propertyName']} is one of {names}"
    fields = schema.get("properties")
    return f"the fields of {{{', '.join(fields)}}}" if fields else "its guidance schema"


def _object_in(text: str) -> object:
    """The JSON object that a text holds; None where it holds none."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return orjson.loads(text)
    except ValueError:
        return None
