"""Lenses: a part of a state as a pair of functions, over dicts, lists, dataclasses and models."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from pydantic import BaseModel

from reins.plans.errors import PlanError
from reins.plans.naming import unknown

S = TypeVar("S")
A = TypeVar("A")
B = TypeVar("B")

WHOLE = "."
"""The path of the whole state."""


@dataclass(frozen=True, slots=True)
class Lens(Generic[S, A]):
    """A part of a state: `get(state)` gives it, `set(state, value)` a state that has another.

    Neither changes the state that it is given. `one | other` reaches the part of the part.
    """

    get: Callable[[S], A]
    set: Callable[[S, A], S]

    def modify(self, state: S, function: Callable[[A], A]) -> S:
        """The state with the function's value for the part."""
        return self.set(state, function(self.get(state)))

    def __or__(self, inner: "Lens[A, B]") -> "Lens[S, B]":
        return Lens(
            lambda state: inner.get(self.get(state)),
            lambda state, value: self.set(state, inner.set(self.get(state), value)),
        )


@overload
def lens(path: str, /) -> Lens[Any, Any]: ...


@overload
def lens(get: Callable[[S], A], set: Callable[[S, A], S], /) -> Lens[S, A]: ...


def lens(path_or_get: Any, set: Any = None, /) -> Lens[Any, Any]:  # noqa: A002
    """A lens from a pair of functions, or from a path such as `draft.title` or `items.0`.

    `.` is the whole state. Raises: PlanError for what is neither.
    """
    if isinstance(path_or_get, str) and set is None:
        return _of_path(path_or_get)
    if callable(path_or_get) and callable(set):
        return Lens(path_or_get, set)
    raise PlanError(
        f"expected lens(get, set) or a path such as 'draft.title', given {path_or_get!r}, {set!r}"
    )


def _of_path(path: str) -> Lens[Any, Any]:
    if path == WHOLE:
        return Lens(lambda state: state, lambda _state, value: value)
    names = path.split(".")
    if not all(names):
        raise PlanError(f"{path!r} is no path; expected names with a dot between them, as 'a.b'")
    found: Lens[Any, Any] = _step(names[0])
    for name in names[1:]:
        found |= _step(name)
    return found


def _step(name: str) -> Lens[Any, Any]:
    return Lens(lambda state: _get(state, name), lambda state, value: _set(state, name, value))


def _get(state: Any, name: str) -> Any:
    return state[_key(state, name)] if isinstance(state, dict | list) else _attribute(state, name)


def _set(state: Any, name: str, value: Any) -> Any:
    key = _key(state, name) if isinstance(state, dict | list) else name
    if isinstance(state, dict):
        return {**state, key: value}
    if isinstance(state, list):
        return [value if index == key else each for index, each in enumerate(state)]
    _attribute(state, name)
    if isinstance(state, BaseModel):
        return state.model_copy(update={name: value})
    return dataclasses.replace(state, **{name: value})


def _key(state: "dict[str, Any] | list[Any]", name: str) -> Any:
    if isinstance(state, dict):
        if name not in state:
            raise LookupError(unknown("key", name, map(str, state)))
        return name
    if not name.isdecimal() or int(name) >= len(state):
        raise LookupError(f"there is no place {name!r} in a list of {len(state)}")
    return int(name)


def _attribute(state: Any, name: str) -> Any:
    fields = _fields(state)
    if name not in fields:
        raise LookupError(unknown("field", name, fields))
    return getattr(state, name)


def _fields(state: Any) -> list[str]:
    if isinstance(state, BaseModel):
        return list(type(state).model_fields)
    if dataclasses.is_dataclass(state):
        return [field.name for field in dataclasses.fields(state)]
    raise LookupError(f"{state!r:.80} has no parts; a lens needs an object, a list or a model")


def broken_law(found: Lens[S, A], state: S, value: A) -> str | None:
    """The law that the lens breaks at this state and value, in words; None where it keeps all."""
    if found.set(state, found.get(state)) != state:
        return "set(state, get(state)) must give the state back"
    after = found.set(state, value)
    if found.get(after) != value:
        return "get(set(state, value)) must give the value"
    if found.set(after, found.get(state)) != state:
        return "set(set(state, value), before) must give the state back"
    return None


def check_laws(found: Lens[S, A], state: S, value: A, name: str = "the lens") -> None:
    """Check that the lens keeps its laws at this state and value.

    Raises: PlanError with the law that it breaks.
    """
    try:
        broken = broken_law(found, state, value)
    except Exception as error:
        raise PlanError(
            f"{name} fails at {state!r:.80}: {type(error).__name__}: {error}; "
            f"expected get(state) and set(state, value)"
        ) from error
    if broken:
        raise PlanError(f"{name} breaks a law of lenses: {broken}, at {state!r:.80}")
