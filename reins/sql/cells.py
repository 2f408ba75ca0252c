"""Values of a result as JSON has them."""

from datetime import time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

_EXACT = 1 << 53
"""Whole numbers below it are exact wherever JSON is read."""


def row_as_json(row: tuple[Any, ...]) -> bytes:
    """A row as a JSON list; what JSON has no form for is a text."""
    return orjson.dumps(list(map(_plain, row)), default=_other, option=orjson.OPT_NON_STR_KEYS)


def _plain(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _EXACT:
        return str(value)
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, time) and value.tzinfo is not None:  # orjson refuses it
        return value.isoformat()
    return value


def _number(value: Decimal) -> Any:
    """As a number where JSON's readers have the same one, or as a text."""
    if not value.is_finite():
        return None
    if value == value.to_integral_value():
        return _plain(int(value))
    return float(value) if Decimal(repr(float(value))) == value else str(value)


def _other(value: Any) -> Any:
    match value:
        case Decimal():
            return _number(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case timedelta() | UUID():
            return str(value)
    return str(value)
