"""The search of the session list: its grammar, once. The page reads the fields from here.

A query is words and `field:value`, all of which must hold. A word matches names alone: agent,
session, type. `-` before it turns it round, quotes hold blanks together, commas part alternatives
of a field, and `*` stands for anything that is there.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from reins.names.folding import fold

Row = Mapping[str, Any]
Fits = Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class SearchField:
    """A field of the grammar: the columns of a session that it looks at.

    `whole`: the value is the whole of the column, or a pattern with `*`; otherwise a part of it.
    """

    name: str
    columns: tuple[str, ...]
    whole: bool = False
    help: str = ""


NAMES = SearchField("", ("agent_id", "session_id", "agent_type"))
"""The columns of a word without a field."""
FIELDS = (
    SearchField("name", ("agent_id", "session_id"), help="part of the agent's or session's name"),
    SearchField("type", ("agent_type",), whole=True, help="the agent type, as type:joke"),
    SearchField("status", ("status",), whole=True, help="as status:failed,paused"),
    SearchField("route", ("route",), whole=True, help="the model route; -route:* names none"),
    SearchField("by", ("created_by",), whole=True, help="who created it, as by:ann"),
    SearchField("conversation", ("conversation_id",), whole=True, help="where it takes part"),
    SearchField("text", ("text", "error"), help="part of the latest output, or of the error"),
)
_BY_NAME = {field.name: field for field in FIELDS}
_TERM = re.compile(rf'(-?)(?:({"|".join(_BY_NAME)}):\s*)?(?:"([^"]*)(?:"|$)|(\S+))', re.IGNORECASE)


def search(query: str) -> Fits:
    """A function that says whether a session fits the query."""
    terms = [
        term for found in _TERM.finditer(query) if (term := _term(*found.groups())) is not None
    ]
    return lambda row: all(term(row) for term in terms)


def _term(sign: str, name: str | None, quoted: str | None, word: str | None) -> Fits | None:
    if name is None and word is not None and word[:-1].lower() in _BY_NAME and word[-1] == ":":
        return None  # its value is not typed yet
    field = NAMES if name is None else _BY_NAME[name.lower()]
    given = word or ""
    wanted = [quoted] if quoted is not None else given.split(",") if name else [given]
    tests = [_test(field, fold(each)) for each in wanted if each]
    if not tests:
        return None

    def fits(row: Row) -> bool:
        values = [fold(value) for column in field.columns if (value := row[column])]
        return any(test(value) for test in tests for value in values) != bool(sign)

    return fits


def _test(field: SearchField, wanted: str) -> Callable[[str], bool]:
    if not field.whole:
        return partial(_is_in, wanted)
    return partial(_is_like, wanted.split("*"))


def _is_like(parts: Sequence[str], value: str) -> bool:
    """True if the value is these parts, with anything between them.

    In a time that grows with the value alone: a regular expression of eight `*` takes minutes.
    """
    first, *others = parts
    if not others:
        return value == first
    *inner, last = others
    at, end = len(first), len(value) - len(last)
    if at > end or not value.startswith(first) or not value.endswith(last):
        return False
    for part in inner:
        found = value.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _is_in(wanted: str, value: str) -> bool:
    return wanted in value
