"""The ids of agents, sessions, conversations and actors: one rule for all doors.

An `Id` names something new: it must be fit for addresses and for eyes. A `KnownId` addresses what
may be there already, also from before that rule, so that nothing becomes unreachable.
"""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

from reins import redaction

MAX_ID_CHARS = 256
ALLOWED = (
    f"1 to {MAX_ID_CHARS} visible characters, spaces inside only, and no dots alone (., .., %2E)"
)
_CONTROL = r"\x00-\x1f\x7f-\x9f"
_SURROGATES = r"\ud800-\udfff"  # in no text of JSON, and in no pattern that its libraries take
# Unicode's categories Cc, Cf, Zl, Zp, and Zs without the space; what else shows nothing
# (Default_Ignorable_Code_Point, UAX 44); the blank of Braille. Fixed here: Python's own tables
# change with its version, and the API's description must not.
_UNSEEN = (
    r"\u0000-\u001f\u007f-\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2"
    r"\u115f-\u1160\u1680\u17b4-\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800"
    r"\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    # No escape for these is both Python's and ECMAScript's.
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
_END = r"(?![\s\S])"  # `$` also stands before a line break at the end
_KNOWN = rf"^[^{_CONTROL}]*{_END}"
# Dots alone are another path (RFC 3986, 5.2.4), also to a browser that gets them encoded.
NEW_ID = rf"^(?!(?:\.|%2[Ee]){{1,2}}{_END})(?! )(?:[^{_UNSEEN}]*[^ {_UNSEEN}])?{_END}"
_UNSEEN_CHARACTER = re.compile(f"[{_UNSEEN}]")
_CONTROL_CHARACTER = re.compile(f"[{_CONTROL}{_SURROGATES}]")


class ActionError(ValueError):
    """The action cannot be what was meant; nothing was enqueued."""


def known_id(value: object, name: str) -> str:
    """`value` as the id of something that may be there: on one line. Raises: ActionError."""
    if not isinstance(value, str) or not value:
        raise ActionError(f"{name} is {value!r:.80}; expected a text: {ALLOWED}")
    if len(value) > MAX_ID_CHARS:
        raise ActionError(
            f"{name} is {value[:40]!r}… of {len(value)} characters; "
            f"expected {MAX_ID_CHARS} at the most"
        )
    if _CONTROL_CHARACTER.search(value):
        raise ActionError(f"{name} is {value!r}; expected no line breaks or control characters")
    if redaction.redactor().holds(value):
        raise ActionError(f"{name} holds a key that this process uses; expected a name of its own")
    return value


def checked_id(value: object, name: str) -> str:
    """`value` as the id of something new, in normal form C, fit for addresses and eyes.

    Raises: ActionError.
    """
    known = unicodedata.normalize("NFC", known_id(value, name))
    if re.search(NEW_ID, known):
        return known
    unseen = _UNSEEN_CHARACTER.search(known)
    why = f", with the character U+{ord(unseen[0]):04X}, which nobody sees" if unseen else ""
    raise ActionError(f"{name} is {known!a:.300}{why}; expected {ALLOWED}")


def _id(value: str) -> str:
    return checked_id(value, "the id")


def _known_id(value: str) -> str:
    return known_id(value, "the id")


Id = Annotated[
    str,
    Field(min_length=1, max_length=MAX_ID_CHARS, json_schema_extra={"pattern": NEW_ID}),
    AfterValidator(_id),
]
"""The id of something new, in a payload, a request or a configuration."""

KnownId = Annotated[
    str,
    Field(min_length=1, max_length=MAX_ID_CHARS, json_schema_extra={"pattern": _KNOWN}),
    AfterValidator(_known_id),
]
"""The id of something that may be there."""
