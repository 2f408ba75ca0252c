"""Cursors: where a page ends, in a form that is handed back as it is."""

import base64
import binascii
from typing import Any

import orjson

from reins.web.http.problem import RequestRefusedError, unfit


def cursor_of(*parts: str | int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def parts_of(cursor: str, *kinds: type) -> list[Any]:
    """The parts that the cursor was made of. Raises: RequestRefusedError."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise _bad(cursor) from None
    if not isinstance(found, list) or [type(part) for part in found] != list(kinds):
        raise _bad(cursor)
    return found


def _bad(cursor: str) -> RequestRefusedError:
    return unfit(
        "query.cursor",
        f"{cursor!r:.60} is not a cursor; send the next_cursor of the previous page unchanged",
    )
