"""The filters that the store gives to LanceDB, as functions of a row."""

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

Row = dict[str, Any]
_TOKENS = re.compile(
    r"""(?P<text>'(?:[^']|'')*') | (?P<number>-?\d+) | (?P<null>IS\s+(?P<not>NOT\s+)?NULL\b)
      | (?P<true>IS\s+TRUE\b) | (?P<word>[A-Za-z_][A-Za-z_.]*) | (?P<sign><=|>=|<>|!=|=|<|>|\(|\)|,)
      | (?P<blank>\s+)""",
    re.VERBOSE,
)
_WORDS = {"AND": "and", "OR": "or", "NOT": "not", "IN": "in", "TRUE": "True", "FALSE": "False"}
_SIGNS = {"=": "==", "<>": "!="}


@functools.lru_cache(maxsize=4_096)
def fits(where: str) -> Callable[[Row], bool]:
    """The filter as a function. Raises: ValueError for what is not known here."""
    code = compile(" ".join(_python(where)), "a filter", "eval")
    return lambda row: bool(eval(code, {"row": functools.partial(_value, row), "NULL": _NULL}))


class _Null:
    """NULL: unlike everything, and neither more nor less."""

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return False

    def __bool__(self) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]
    __lt__ = __le__ = __gt__ = __ge__ = lambda self, other: False


_NULL = _Null()


def _value(row: Row, name: str) -> Any:
    value = row[name]
    return _NULL if value is None else value


def _python(where: str) -> Iterator[str]:
    at, lists = 0, False
    while at < len(where):
        found = _TOKENS.match(where, at)
        if found is None:
            raise ValueError(f"the simulation knows no filter like {where!r}")
        at = found.end()
        if found["text"]:
            yield repr(found["text"][1:-1].replace("''", "'"))
        elif found["number"]:
            yield found["number"]
        elif found["null"]:
            yield "is not NULL" if found["not"] else "is NULL"
        elif word := found["word"]:
            lists = lists or word.upper() == "IN"
            yield _WORDS.get(word.upper(), f"row({word!r})")
        elif sign := found["sign"]:
            yield ",)" if sign == ")" and lists else _SIGNS.get(sign, sign)
            lists = lists and sign != ")"
