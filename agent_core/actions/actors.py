"""The names of those who ask: whoever reads one on record knows who that was.

A pronoun means somebody else to each reader, and to a model that finds it in its prompt.
"""

from typing import Annotated

from pydantic import AfterValidator, Field

from agent_core.actions.ids import MAX_ID_CHARS, NEW_ID, ActionError, checked_id
from reins.names.folding import name_key

RESERVED = frozenset((
    "i", "me", "my", "mine", "myself", "you", "your", "yours", "yourself", "yourselves",
    "we", "us", "our", "ours", "ourselves", "he", "him", "his", "himself", "she", "her", "hers",
    "herself", "it", "its", "itself", "they", "them", "their", "theirs", "themselves", "system",
))  # fmt: skip
"""Names of nobody, in the form of `name_key`."""


def checked_actor(value: object, name: str = "actor") -> str:
    """`value` as the name of somebody who asks. Raises: ActionError."""
    checked = checked_id(value, name)
    if name_key(checked) in RESERVED:
        raise ActionError(
            f"{name} is {checked!r}, which names nobody to whoever reads it later; expected a name "
            "of its own, such as that of the system's user"
        )
    return checked


def _actor(value: str) -> str:
    return checked_actor(value, "the name")


Actor = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_ID_CHARS,
        json_schema_extra={"pattern": NEW_ID, "not": {"enum": sorted(RESERVED)}},
    ),
    AfterValidator(_actor),
]
"""The name of somebody who asks, in a request."""
