"""Guidance: parsed by the type's own model, or by a kind that every type of agent takes."""

import functools
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from agent_core.session.controls import Interrupt
from agent_core.session.decisions import Recorded
from agent_core.session.log import Event
from agent_core.session.session import Session


class GuidanceRejectedError(ValueError):
    """The guidance does not mean anything to this agent; the message says what would."""


@dataclass(frozen=True, slots=True)
class Understood:
    """The change that guidance makes, in a line, and the guidance that undoes it, if any can."""

    line: str
    undo: dict[str, Any] | None = None


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
    undo: dict[str, Any] | None = None
    recording: AbstractContextManager[Recorded] = field(default_factory=_nothing_more)
    """Around the commit; gives what is committed beside it."""


@dataclass(frozen=True, slots=True)
class ChassisGuidance:
    """A kind of guidance that every type of agent takes.

    `expected` completes an error's "expected …". `take` applies it to the session; the request
    that it came with says whose it is.
    """

    model: type[BaseModel]
    expected: str
    take: Callable[[Session, Any, Interrupt], Awaitable[Taken]]


CHASSIS_GUIDANCE: dict[str, ChassisGuidance] = {}
"""The value of its field `type` to each kind; the room that brings a kind registers it."""


@dataclass(frozen=True, slots=True)
class ForChassis:
    """Guidance of one of those kinds, as its model."""

    kind: ChassisGuidance
    value: BaseModel


def for_chassis(raw: object) -> ForChassis | None:
    """The guidance, if it is of a kind that every type takes. Raises: GuidanceRejectedError."""
    kind = _chassis_kind(raw)
    if kind is None:
        return None
    named = raw["type"] if isinstance(raw, dict) else None
    try:
        return ForChassis(kind, kind.model.model_validate(raw))
    except ValidationError as error:
        raise GuidanceRejectedError(
            f"guidance of type {named} does not fit: {problems(error)}; expected {kind.expected}"
        ) from error


def is_for_chassis(raw: object) -> bool:
    """True for an object that names a kind of guidance that every type takes."""
    return _chassis_kind(raw) is not None


def _chassis_kind(raw: object) -> ChassisGuidance | None:
    named = raw.get("type") if isinstance(raw, dict) else None
    return CHASSIS_GUIDANCE.get(named) if isinstance(named, str) else None


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


def object_in(text: str) -> dict[str, Any] | None:
    """The JSON object that a text is, however it was typed; None: it is in words.

    Raises: GuidanceRejectedError, where it begins as one and is none.
    """
    if not text.lstrip().startswith("{"):
        return None
    try:
        found: dict[str, Any] = orjson.loads(text)
    except ValueError as error:
        raise GuidanceRejectedError(
            f"guidance begins with {{ and is no JSON object: {error}; expected one such as "
            '{"name": "value"}, with straight quotation marks, or words'
        ) from None
    return found
