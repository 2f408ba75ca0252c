"""Limits that all stores have alike: keys, values, versions, pages, checked before they travel."""

from typing import Any

import orjson

from reins.kv.errors import KVError
from reins.kv.protocol import Absent, Expected

MAX_KEY_BYTES = 1024
MAX_VALUE_BYTES = 4 * 1024 * 1024
MAX_PAGE_ROWS = 1000
MAX_PAGE_BYTES = 16 * 1024 * 1024
"""A page ends with the row that passes it."""
MAX_SEQ = (1 << 53) - 1
"""Redis counts in doubles."""

# Only what JSON has: what comes back is equal to what was put.
_JSON_ONLY = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
_LAST, _BEFORE_SURROGATES, _AFTER_SURROGATES = 0x10FFFF, 0xD7FF, 0xE000


def check_key(key: str) -> None:
    """Raises: KVError, unless it is a text that every store keeps as it is."""
    check_text(key, "key")
    if not key:
        raise KVError("the key is empty; give a text of at least one character")


def check_text(text: str, name: str) -> None:
    """The same for a part of a key, which may be empty. Raises: KVError."""
    try:
        size_bytes = len(text.encode())
    except (UnicodeEncodeError, AttributeError) as error:
        raise KVError(f"{name} {text!r} is no Unicode text: {error}. Give a str") from None
    if size_bytes > MAX_KEY_BYTES:
        raise KVError(
            f"{name} {text[:40]!r}… has {size_bytes} bytes in UTF-8; {MAX_KEY_BYTES} is the most. "
            "Shorten it, or use a digest of it"
        )
    if "\0" in text:
        raise KVError(f"{name} {text!r} holds the character NUL, which no store keeps; remove it")


def encode(key: str, value: Any) -> bytes:
    """A value as JSON. Raises: KVError, where it is none, or too large."""
    try:
        body = orjson.dumps(value, option=_JSON_ONLY)
    except TypeError as error:  # orjson's own error is one
        raise KVError(f"the value of {key!r} is no JSON: {error}. Put plain data") from None
    if len(body) > MAX_VALUE_BYTES:
        raise KVError(
            f"the value of {key!r} has {len(body)} bytes as JSON; {MAX_VALUE_BYTES} is the most. "
            "Divide it over several keys, or put where it is kept"
        )
    if orjson.loads(body) != value:
        raise KVError(
            f"the value of {key!r} would not come back from JSON as it is: put lists for tuples, "
            "and no NaN or Infinity"
        )
    return body


def guard_of(expect: Expected) -> int | None:
    """The version to be found, 0 for none; None for any. Raises: KVError."""
    if expect is None:
        return None
    if isinstance(expect, Absent):
        return 0
    if type(expect) is not int or expect < 1:
        raise KVError(f"expect is {expect!r}; give a version that the store returned, or ABSENT")
    return expect


def check_seq(seq: int) -> None:
    """Raises: KVError."""
    if type(seq) is not int or not 0 < seq <= MAX_SEQ:
        raise KVError(f"seq is {seq!r}; expected is a number from 1 to {MAX_SEQ}")


def check_limit(limit: int) -> None:
    """Raises: KVError."""
    if type(limit) is not int or not 0 < limit <= MAX_PAGE_ROWS:
        raise KVError(f"limit is {limit!r}; expected is a number from 1 to {MAX_PAGE_ROWS}")


def end_of(prefix: str) -> str | None:
    """The least text after all that begin with the prefix; None where there is none."""
    kept = prefix.rstrip(chr(_LAST))
    if not kept:
        return None
    last = ord(kept[-1])
    return kept[:-1] + chr(_AFTER_SURROGATES if last == _BEFORE_SURROGATES else last + 1)
