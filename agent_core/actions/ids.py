"""The ids of agents, sessions, conversations and actors: one rule for all doors."""

from typing import Annotated

from pydantic import AfterValidator, Field

from reins import redaction

MAX_ID_CHARS = 256
_CONTROL = r"\x00-\x1f\x7f-\x9f"


class ActionError(ValueError):
    """The action cannot be what was meant; nothing was enqueued."""


def checked_id(value: object, name: str) -> str:
    """`value` as an id: a text of 1 to 256 characters on one line. Raises: ActionError."""
    if not isinstance(value, str) or not value:
        raise ActionError(
            f"{name} is {value!r:.80}; expected a text of 1 to {MAX_ID_CHARS} characters"
        )
    if len(value) > MAX_ID_CHARS:
        raise ActionError(
            f"{name} is {value[:40]!r}… of {len(value)} characters; "
            f"expected {MAX_ID_CHARS} at the most"
        )
    if any(c < "\x20" or "\x7f" <= c < "\xa0" or "\ud800" <= c < "\ue000" for c in value):
        raise ActionError(f"{name} is {value!r}; expected no line breaks or control characters")
    if redaction.redactor().holds(value):
        raise ActionError(f"{name} holds a key that this process uses; expected a name of its own")
    return value


def _id(value: str) -> str:
    return checked_id(value, "the id")


Id = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_ID_CHARS,
        json_schema_extra={"pattern": rf"^[^{_CONTROL}]*$"},
    ),
    AfterValidator(_id),
]
"""An id in a payload, a request or a configuration."""
