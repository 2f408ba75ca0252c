"""JSON as servers write it: a byte amiss or half a character costs that, and not the answer."""

import json

import orjson

MAX_MENDED_BYTES = 1 << 20
"""Of more than this the slower parser would hold the loop."""


def loads(data: bytes) -> object:
    """The value of a JSON text; lone surrogates stay in it.

    Raises: ValueError.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        if len(data) > MAX_MENDED_BYTES:
            raise
    try:
        return json.loads(data.decode("utf-8-sig", "replace"))
    except RecursionError:
        raise ValueError("nested too deep") from None
