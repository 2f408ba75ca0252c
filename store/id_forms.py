"""Ids in other forms of Unicode than they are kept in.

New ids are kept in normal form C. Who got one from the name of a file, on macOS say, may have it in
another; and in folders from before there may be some.
"""

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def in_either_form(given: str, read: Callable[[str], T]) -> T:
    """The rows that `read` finds of an id as it is given; if there are none, of its normal form."""
    found = read(given)
    normal = unicodedata.normalize("NFC", given)
    return found if found or normal == given else read(normal)


def stored_id(given: str, find: Callable[[str], object]) -> str:
    """The id as it is on record, by what `find` finds; one that is nowhere, in its normal form."""
    normal = unicodedata.normalize("NFC", given)
    return given if normal == given or find(given) else normal


def id_on_record(given: str, column: str, find: Callable[[str], Mapping[str, Any] | None]) -> str:
    """The same, where `find` takes either form and gives the row."""
    normal = unicodedata.normalize("NFC", given)
    if normal == given:
        return given
    row = find(given)
    return normal if row is None else str(row[column])


def is_same(one: str, other: str) -> bool:
    """True for two forms of one id."""
    return one == other or unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
