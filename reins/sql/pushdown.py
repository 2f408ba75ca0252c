"""The part of a filter that LanceDB can use: what DuckDB hands over is applied in full after it."""

import re
from datetime import UTC, datetime

import pyarrow as pa

from store import times
from store.lance.tables import STAMP, TEXT, quoted

_OPERATORS = {"==": "=", ">=": ">=", "<=": "<=", ">": ">", "<": "<"}
_WORD = re.compile(r'\s*("[^"]*"|[()]|[^\s()"]+)')
_QUOTED = re.compile(r'("[^"]*")')
_AT = re.compile(r"(\d{4}-\d\d-\d\d)\s(\d\d:\d\d:\d\d\.\d{6})Z")


def usable(expression: str, schema: pa.Schema) -> str | None:
    """A filter of LanceDB that all rows pass that fit the expression, as PyArrow writes it; None
    where there is none.

    Of conditions joined by `and`, those that compare a text for equality, or a time or a whole
    number, with a value.
    """
    if "\\" in expression:  # an escape: where a text ends is not looked into
        return None
    # A time has a space in it, as texts in quotes may.
    text = "".join(
        part if part.startswith('"') else _AT.sub(r"\1T\2Z", part)
        for part in _QUOTED.split(expression)
    )
    words = _WORD.findall(text)
    if "".join(words) != "".join(_without_space(text)):
        return None
    found = [made for part in _conjuncts(words) if (made := _as_filter(part, schema)) is not None]
    return " AND ".join(found) or None


def _without_space(text: str) -> list[str]:
    return [part if part.startswith('"') else "".join(part.split())
            for part in _QUOTED.split(text)]  # fmt: skip


def _conjuncts(words: list[str]) -> list[list[str]]:
    """The conditions that all must hold, without the brackets around them."""
    while _enclosed(words):
        words = words[1:-1]
    depth = 0
    part: list[str] = []
    parts: list[list[str]] = []
    for word in words:
        depth += (word == "(") - (word == ")")
        if word == "and" and not depth:
            parts.append(part)
            part = []
        else:
            part.append(word)
    parts.append(part)
    return parts if len(parts) == 1 else [each for part in parts for each in _conjuncts(part)]


def _enclosed(words: list[str]) -> bool:
    if len(words) < 2 or words[0] != "(" or words[-1] != ")":  # noqa: PLR2004 - the brackets
        return False
    depth = 0
    for word in words[:-1]:
        depth += (word == "(") - (word == ")")
        if not depth:
            return False
    return True


def _as_filter(words: list[str], schema: pa.Schema) -> str | None:
    match words:
        case [column, operator, value] if operator in _OPERATORS and column in schema.names:
            literal = _literal(value, operator, schema.field(column).type)
            return None if literal is None else f"{column} {_OPERATORS[operator]} {literal}"
    return None


def _literal(value: str, operator: str, kind: pa.DataType) -> str | None:
    if kind == TEXT and operator == "==" and value.startswith('"'):
        return quoted(value[1:-1])
    if kind == STAMP and re.fullmatch(r"[\d:.TZ-]+", value):
        return times.literal(datetime.fromisoformat(value).astimezone(UTC))
    if kind == pa.int64() and re.fullmatch(r"-?\d+", value):
        return value
    return None
