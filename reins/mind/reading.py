"""Values that come back from JSON, checked against their classes, with the place of a mistake."""

from functools import cache
from typing import Any, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from reins.mind.errors import MindError, TooLargeError

T = TypeVar("T")
_SHOWN = 3


@cache
def _adapter(expected: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(expected)


def read(expected: type[T], given: Any, name: str) -> T:
    """The value of this class that JSON holds. Raises: MindError with the places that are wrong."""
    try:
        found: T = _adapter(expected).validate_python(given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise MindError(f"{name} cannot be read: {problems(error)}") from error
    return found


def dump(value: Any) -> dict[str, Any]:
    """The value as JSON holds it, without what is as it is by default: `read` puts that back."""
    adapter = _adapter(type(value))  # type: ignore[arg-type]
    found: dict[str, Any] = adapter.dump_python(value, mode="json", exclude_defaults=True)
    return found


def problems(error: ValidationError) -> str:
    """The first mistakes that Pydantic has found, each with its place."""
    found = [
        f"{'.'.join(map(str, each['loc'])) or 'it'}: {each['msg']}"
        for each in error.errors(include_url=False, include_input=False)
    ]
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return "; ".join([*found[:_SHOWN], *more])


def size_bytes(value: Any, name: str) -> int:
    """The length of the value as JSON. Raises: MindError for what JSON does not hold."""
    try:
        return len(orjson.dumps(value))
    except (orjson.JSONEncodeError, UnicodeEncodeError) as error:
        raise MindError(
            f"{name} is not JSON: {error}; use text, numbers, true, false, null, lists and objects"
        ) from None


def check_size(value: Any, name: str, most_bytes: int, mend: str) -> None:
    """Raises: TooLargeError for a value whose JSON is longer; `mend` says what makes room."""
    size = size_bytes(value, name)
    if size > most_bytes:
        raise TooLargeError(f"{name} takes {size:,} bytes of at most {most_bytes:,}; {mend}")


def check_text(value: str, name: str, most_chars: int, *, empty: bool = False) -> None:
    """Raises: MindError for an empty text where one is needed; TooLargeError for a long one."""
    if not isinstance(value, str) or not (value or empty):
        raise MindError(f"{name} is {value!r:.80}; expected a text")
    if len(value) > most_chars:
        raise TooLargeError(
            f"{name} has {len(value):,} characters of at most {most_chars:,}; make it shorter"
        )


def check_time(at: int, name: str) -> None:
    """Raises: MindError for a time that is no number of microseconds since 1970."""
    if not isinstance(at, int) or at < 0:
        raise MindError(f"{name} is {at!r:.80}; expected whole microseconds since 1970")
