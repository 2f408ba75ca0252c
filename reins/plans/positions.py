"""JSON text with the place of every key and value, so that an error can say line and column.

The scanner of the standard library reads the texts and numbers; a key that comes twice is refused.
"""

import re
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]  # typeshed leaves it out
from typing import Any, TypeAlias

DEPTH = 200
"""Levels of lists and objects: a plan of 64 levels needs 128, and its arguments some more."""
_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None}
_DIGITS = 400
Place: TypeAlias = tuple[str | int, ...]


class JsonTextError(ValueError):
    """The text is no JSON. `offset`: where; `place`: inside which value."""

    def __init__(self, message: str, offset: int, place: Place = ()) -> None:
        super().__init__(message)
        self.offset = offset
        self.place = place


@dataclass(slots=True)
class Scanned:
    """The value, and the offsets at which values, and the keys of values, begin."""

    value: Any
    values: dict[Place, int] = field(default_factory=dict)
    keys: dict[Place, int] = field(default_factory=dict)


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """The line and the column of an offset, from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def scan(text: str) -> Scanned:
    """The value of a JSON text with its places. Raises: JsonTextError."""
    scanner = _Scanner(text)
    scanned = Scanned(None, scanner.values, scanner.keys)
    scanned.value, end = scanner.value((), 0)
    end = scanner.skip(end)
    if end < len(text):
        raise JsonTextError("expected the end of the text after the first value", end)
    return scanned


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.values: dict[Place, int] = {}
        self.keys: dict[Place, int] = {}

    def skip(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def value(self, place: Place, at: int) -> tuple[Any, int]:
        at = self.skip(at)
        self.values[place] = at
        if len(place) > DEPTH:
            raise JsonTextError(f"more than {DEPTH} levels", at, place[:4])
        match self.text[at : at + 1]:
            case "{":
                return self._object(place, at + 1)
            case "[":
                return self._list(place, at + 1)
            case '"':
                return self._text(place, at)
            case _:
                return self._word(place, at)

    def _object(self, place: Place, at: int) -> tuple[dict[str, Any], int]:
        made: dict[str, Any] = {}
        at = self.skip(at)
        if self.text[at : at + 1] == "}":
            return made, at + 1
        while True:
            began = at = self.skip(at)
            if self.text[at : at + 1] != '"':
                raise JsonTextError("expected a key in double quotes", at, place)
            key, at = self._text(place, at)
            if key in made:
                raise JsonTextError(f"the key {key!r} comes twice", began, place)
            self.keys[(*place, key)] = began
            at = self._sign(":", self.skip(at), place)
            made[key], at = self.value((*place, key), at)
            at = self.skip(at)
            if self.text[at : at + 1] == "}":
                return made, at + 1
            at = self._sign(",", at, place, or_end="}")

    def _list(self, place: Place, at: int) -> tuple[list[Any], int]:
        made: list[Any] = []
        at = self.skip(at)
        if self.text[at : at + 1] == "]":
            return made, at + 1
        while True:
            value, at = self.value((*place, len(made)), at)
            made.append(value)
            at = self.skip(at)
            if self.text[at : at + 1] == "]":
                return made, at + 1
            at = self._sign(",", at, place, or_end="]")

    def _sign(self, sign: str, at: int, place: Place, or_end: str = "") -> int:
        if self.text[at : at + 1] == sign:
            return at + 1
        wanted = f"{sign!r} or {or_end!r}" if or_end else repr(sign)
        raise JsonTextError(f"expected {wanted}, found {self._found(at)}", at, place)

    def _text(self, place: Place, at: int) -> tuple[str, int]:
        try:
            text, end = scanstring(self.text, at + 1, True)  # noqa: FBT003 - it takes no names
        except ValueError as error:
            where = getattr(error, "pos", at)
            raise JsonTextError(getattr(error, "msg", str(error)), where, place) from None
        return text, end

    def _word(self, place: Place, at: int) -> tuple[Any, int]:
        for word, value in _WORDS.items():
            if self.text.startswith(word, at):
                return value, at + len(word)
        found = _NUMBER.match(self.text, at)
        if found is None:
            raise JsonTextError(f"expected a value, found {self._found(at)}", at, place)
        number = found[0]
        if len(number) > _DIGITS:
            raise JsonTextError(f"a number of {len(number)} digits", at, place)
        return (float(number) if found[1] or found[2] else int(number)), found.end()

    def _found(self, at: int) -> str:
        return repr(self.text[at : at + 12]) if at < len(self.text) else "the end of the text"
