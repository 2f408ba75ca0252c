"""JSON as a snapshot holds it: checked with the place of what is none, copied, compared."""

import math
from dataclasses import asdict, is_dataclass
from typing import Any, TypeAlias

from pydantic import BaseModel

DEPTH = 100
"""Levels that a state may have: in a tree of 64 levels, what writes snapshots takes 254 in all."""
_LEAST, _MOST = -(2**63), 2**64 - 1
"""The whole numbers that a snapshot can be written with."""


def as_json(value: object, name: str = "state") -> Any:
    """A copy of the value as JSON; Pydantic models and dataclasses become objects.

    Raises: ValueError with the place of what JSON cannot hold, as `state.items.3`.
    """
    return _copy(value, (name, None), 1)


_Place: TypeAlias = tuple[object, Any]
"""A key or an index, and the place around it or None: names are made of it only for an error."""


def _copy(value: Any, at: _Place, level: int) -> Any:
    kind = type(value)
    if kind is dict and level <= DEPTH:
        return {_key(key, at): _copy(each, (key, at), level + 1) for key, each in value.items()}
    if (kind is str and value.isascii()) or (kind is int and _LEAST <= value <= _MOST):
        return value
    if value is None or kind is bool:
        return value
    if isinstance(value, str | int | float):
        return _scalar(value, at)
    if level > DEPTH:
        names = ".".join(_names(at)[:4])
        raise ValueError(f"{names}… has more than {DEPTH} levels; make it flatter")
    return _container(value, at, level)


def _scalar(value: str | float, at: _Place) -> str | int | float:
    if isinstance(value, str):
        return _text(value, at)
    return _whole(value, at) if isinstance(value, int) else _real(value, at)


def _container(value: Any, at: _Place, level: int) -> Any:
    value = _plain(value)
    if isinstance(value, dict):
        return _copy(dict(value.items()), at, level)
    if isinstance(value, list | tuple):
        return [_copy(each, (index, at), level + 1) for index, each in enumerate(value)]
    raise _not_json(at, f"a {type(value).__name__}")


def _plain(value: Any) -> Any:
    """The object of a model or a dataclass; all else as it is."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value


def _names(at: _Place | None) -> list[str]:
    found = []
    while at is not None:
        found.append(str(at[0]))
        at = at[1]
    return found[::-1]


def _text(value: str, at: _Place) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _not_json(at, "a text with half a character (a lone surrogate)") from None
    return str(value)


def _whole(value: int, at: _Place) -> int:
    if not _LEAST <= value <= _MOST:
        raise _not_json(at, "a whole number of more than 64 bits")
    return int(value)


def _real(value: float, at: _Place) -> float:
    if not math.isfinite(value):
        raise _not_json(at, f"{value}")
    return float(value)


def _key(key: object, at: _Place) -> str:
    if type(key) is str and key.isascii():
        return key
    if not isinstance(key, str):
        raise _not_json(at, f"an object with the key {key!r}")
    return _text(key, at)


def _not_json(at: _Place, what: str) -> ValueError:
    return ValueError(
        f"{'.'.join(_names(at))} is {what}, which JSON does not hold; "
        f"use text, numbers, true, false, null, lists and objects with keys of text"
    )


def same(one: Any, other: Any) -> bool:
    """True where both are the same JSON. Unlike `==` it tells 1, 1.0 and true apart."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
