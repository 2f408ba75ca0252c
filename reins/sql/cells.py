"""Values of a result as JSON has them."""

from datetime import timedelta
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
    return value


def _other(value: Any) -> Any:
    match value:
        case Decimal():
            whole = value == value.to_integral_value() if value.is_finite() else False
            return _plain(int(value)) if whole else float(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case timedelta() | UUID():
            return str(value)
    return str(value)
