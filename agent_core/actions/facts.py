"""The bounds of facts that people assert."""

from agent_core.actions.ids import ActionError

MAX_NAME_CHARS = 200
MAX_SOURCE_CHARS = 400
MAX_TEXT_CHARS = 1_000
MAX_TIME_CHARS = 40


def checked_part(value: object, name: str, most: int = MAX_NAME_CHARS) -> str:
    """`value` as a name, a source or a time of a fact. Raises: ActionError."""
    if isinstance(value, str) and value.strip() and len(value) <= most:
        return value
    raise ActionError(f"{name} is {value!r:.160}; expected a text of 1 to {most} characters")


def checked_share(value: object) -> float:
    """`value` as a confidence. Raises: ActionError."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1:
        return float(value)
    raise ActionError(f"confidence is {value!r:.40}; expected more than 0, and 1 at most")
