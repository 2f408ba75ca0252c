"""A query of a log as people write it: words, and fields with values.

`dogs "the moon" kind:guidance by:carol cost>0.01 changed:subject since:03:50 until:03:55 -zoo`.
All of it must fit; a minus before a part turns it round.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal, TypeAlias

from store.errors import StoreError

MAX_CHARS = 1_000
_MAX_PARTS = 50
_HALF = re.compile("[\ud800-\udfff]")

KINDS = ("status", "intent", "tick", "guidance", "error", "final")
SORTS = ("said", "guidance", "errors", "status", "silences")
"""Kinds of rows as a reader tells them apart; each row is of one."""

Comparison = Literal[">", ">=", "<", "<=", "="]
When: TypeAlias = datetime | time | timedelta
"""A moment, a time of day, or a time ago."""


class QueryError(StoreError):
    """The query is not one that the log can be searched with."""


@dataclass(frozen=True, slots=True)
class Words:
    """Part of what a row says, of the guidance or the call in it, or of its error."""

    words: str


@dataclass(frozen=True, slots=True)
class OfKind:
    """Rows of one of these kinds or sorts."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class By:
    """Rows that somebody asked for."""

    actor: str


@dataclass(frozen=True, slots=True)
class Changed:
    """Rows after which a field of the agent's state is not what it was before."""

    field: str


@dataclass(frozen=True, slots=True)
class Measure:
    """Rows by a number; `took` is in ms."""

    name: str
    comparison: Comparison
    value: float


@dataclass(frozen=True, slots=True)
class Since:
    when: When


@dataclass(frozen=True, slots=True)
class Until:
    when: When


Test: TypeAlias = Words | OfKind | By | Changed | Measure | Since | Until


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a query. `turned`: the rows that do not fit it are meant."""

    test: Test
    turned: bool = False


_PART = re.compile(
    r"""\s*(?P<minus>-(?=\S))?
    (?:(?P<name>[A-Za-z_]\w*)(?P<sign>>=|<=|>|<|=|:))?
    (?:"(?P<phrase>[^"]*)"|(?P<plain>\S+))""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One part as it stands in a query: `name` and `sign` are empty where it is a word alone."""

    name: str
    sign: str
    value: str
    quoted: bool
    turned: bool

    @property
    def whole(self) -> str:
        """The part as words: "http://…" is a word, too."""
        return f"{self.name}{self.sign}{self.value}"


def tokens(text: str) -> list[Token]:
    """The parts of a query as they stand there; none of an empty one. Raises: QueryError."""
    if len(text) > MAX_CHARS:
        raise QueryError(f"the query has {len(text)} characters; expected {MAX_CHARS} at the most")
    if half := _HALF.search(text):
        raise QueryError(
            f"the query holds half a character ({half[0]!a}), which no text has; leave it out"
        )
    found = [_token(each) for each in _PART.finditer(text.strip())]
    if len(found) > _MAX_PARTS:
        raise QueryError(f"the query has {len(found)} parts; expected {_MAX_PARTS} at the most")
    return found


def _token(found: "re.Match[str]") -> Token:
    phrase = found["phrase"]
    value = phrase if phrase is not None else found["plain"]
    return Token(
        found["name"] or "", found["sign"] or "", value, phrase is not None,
        turned=found["minus"] is not None,
    )  # fmt: skip


def parsed(text: str) -> tuple[Part, ...]:
    """The parts of a query; none of an empty one. Raises: QueryError."""
    return tuple(Part(meant(each), each.turned) for each in tokens(text))


def meant(token: Token) -> Test:
    """The test that a part of a query stands for. Raises: QueryError."""
    name, sign, value = token.name.lower(), token.sign, token.value
    if name in _MEASURES and sign:
        comparison: Comparison = "=" if sign == ":" else sign  # type: ignore[assignment]
        return Measure(name, comparison, _MEASURES[name](name, value))
    if name in _FIELDS and sign == ":":
        return _FIELDS[name](value)
    return Words(token.whole)


def _kinds(value: str) -> OfKind:
    names = tuple(_SINGULAR.get(each, each) for each in value.lower().split(","))
    if unknown := [each for each in names if each not in (*KINDS, *SORTS)]:
        known = ", ".join(dict.fromkeys((*SORTS, *KINDS)))
        raise QueryError(f"kind is {unknown[0]!r:.40}; expected some of {known}")
    return OfKind(names)


_SINGULAR = {"silence": "silences", "ticks": "tick", "statuses": "status", "result": "final"}


def _field(value: str) -> Changed:
    if not re.fullmatch(r"\w{1,100}", value):
        raise QueryError(
            f"changed: is given {value!r:.40}; expected the name of a field of the agent's state, "
            "such as changed:subject"
        )
    return Changed(value)


def _when(value: str) -> When:
    if ago := re.fullmatch(r"(\d{1,6})(s|m|min|h|d)", value):
        return timedelta(**{_SPANS[ago[2]]: int(ago[1])})
    try:
        if re.fullmatch(r"\d{1,2}:\d\d(:\d\d)?", value):
            return time.fromisoformat(value.zfill(len(value) + (value.index(":") == 1)))
        return datetime.fromisoformat(value)
    except ValueError:
        raise QueryError(
            f"{value!r:.40} is no time; expected 03:52, 03:52:10, 2h (ago), 2026-11-29 or "
            "2026-11-29T03:52"
        ) from None


_SPANS = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days"}

_FIELDS: dict[str, Callable[[str], Test]] = {
    "text": Words,
    "kind": _kinds,
    "by": By,
    "changed": _field,
    "since": lambda value: Since(_when(value)),
    "until": lambda value: Until(_when(value)),
}


def _number(name: str, value: str) -> float:
    return _scaled(name, value, {"": 1, "k": 1_000})


def _dollars(name: str, value: str) -> float:
    return _scaled(name, value.removeprefix("$"), {"": 1})


def _duration_ms(name: str, value: str) -> float:
    return _scaled(name, value, {"": 1_000, "s": 1_000, "ms": 1, "m": 60_000, "min": 60_000})


def _scaled(name: str, value: str, units: dict[str, int]) -> float:
    found = re.fullmatch(r"(\d+\.?\d*|\.\d+)([a-z]*)", value)
    if found is None or found[2] not in units or not math.isfinite(float(found[1])):
        like = ", ".join(f"2{unit}" for unit in units)
        raise QueryError(f"{name} is compared with {value!r:.40}; expected a number, as in {like}")
    return float(found[1]) * units[found[2]]


_MEASURES: dict[str, Callable[[str, str], float]] = {
    "cost": _dollars,
    "tokens": _number,
    "took": _duration_ms,
    "tick": _number,
    "seq": _number,
}
