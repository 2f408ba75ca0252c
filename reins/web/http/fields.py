"""Fields that several operations share: ids, paging, flags."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from agent_core.actions.actors import Actor
from agent_core.actions.ids import KnownId

MAX_NUMBER = (1 << 53) - 1
"""The highest whole number that every JSON reader reads exactly."""
MAX_DIGITS = 16


def _whole(value: object) -> object:
    """JSON has one kind of number: 3.0 is 3."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _no_surrogates(value: str) -> str:
    value.encode()
    return value


def _number(value: object) -> object:
    """A number as a query string or a path has it: digits alone."""
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS):
            raise ValueError(f"{value!r:.40} was given; expected a number in digits")
        return int(value)
    return value


def _flag(value: object) -> object:
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise ValueError(f"{value!r:.40} was given; expected true or false")
        return value == "true"
    return value


Digits = BeforeValidator(_number)
Whole = BeforeValidator(_whole)
Number = Annotated[int, Field(ge=0, le=MAX_NUMBER), Digits]
ExpectIn = Annotated[
    Annotated[int, Field(ge=0, le=MAX_NUMBER), Whole] | None,
    Field(description="the version that must be there, 0 for none; else any"),
]
"""The version that a body expects."""
NotNull = Annotated[
    Any, Field(description="JSON, but not null", json_schema_extra={"not": {"type": "null"}})
]
Flag = Annotated[bool, BeforeValidator(_flag)]
Words = Annotated[str, AfterValidator(_no_surrogates)]


class Input(BaseModel):
    """Exactly these fields, of exactly these types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ActorBody(Input):
    actor: Actor = Field(description="who asks")


class ActionPath(Input):
    action_id: KnownId
