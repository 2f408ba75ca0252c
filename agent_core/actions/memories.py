"""The bounds of a memory that a person gives."""

from typing import Any

import orjson

from agent_core.actions.ids import ActionError

MAX_MEMORY_KEY = 200
MAX_MEMORY_BYTES = 64 * 1024


def checked_memory(value: Any) -> Any:
    """`value` as that of a memory: JSON in bounds, and not null. Raises: ActionError."""
    if value is None:
        raise ActionError("value is null; expected any other JSON. What is over is forgotten")
    try:
        size_bytes = len(orjson.dumps(value))
    except (TypeError, ValueError) as error:
        raise ActionError(f"value is not plain JSON: {error}") from None
    if size_bytes > MAX_MEMORY_BYTES:
        raise ActionError(
            f"value has {size_bytes} bytes as JSON; expected {MAX_MEMORY_BYTES} at the most. Keep "
            "what is longer in a file, and remember where"
        )
    return value


def checked_key(value: object) -> str:
    """`value` as the key of a memory. Raises: ActionError."""
    if isinstance(value, str) and 1 <= len(value) <= MAX_MEMORY_KEY:
        return value
    raise ActionError(f"key is {value!r:.240}; expected a text of 1 to {MAX_MEMORY_KEY} characters")
