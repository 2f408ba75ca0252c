"""The names of boards and their keys, and the bounds of a value."""

import re
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, Field

from agent_core.actions.ids import ActionError

MAX_VALUE_BYTES = 32 * 1024
_MAX_NAME = 100
_PART = "[A-Za-z0-9_-]+"
_NAME = rf"^{_PART}(?:\.{_PART})*(?![\s\S])"


def checked_board(value: object) -> str:
    """`value` as the name of a board. Raises: ActionError."""
    if isinstance(value, str) and len(value) <= _MAX_NAME and re.search(_NAME, value):
        return value
    raise ActionError(
        f"board is {value!r:.160}; expected parts of letters, digits, _ and - with dots between "
        f"them, such as plans.eu, {_MAX_NAME} characters at the most"
    )


def checked_value(value: Any) -> Any:
    """`value` as the value of a key: JSON in bounds, and not null. Raises: ActionError."""
    if value is None:
        raise ActionError(
            "value is null; expected any other JSON. A key without a value is deleted"
        )
    try:
        size_bytes = len(orjson.dumps(value))
    except (TypeError, ValueError) as error:
        raise ActionError(f"value is not plain JSON: {error}") from None
    if size_bytes > MAX_VALUE_BYTES:
        raise ActionError(
            f"value has {size_bytes} bytes as JSON; expected {MAX_VALUE_BYTES} at the most. Keep "
            "what is large in a file, and put its name here"
        )
    return value


BoardName = Annotated[
    str,
    Field(min_length=1, max_length=_MAX_NAME, json_schema_extra={"pattern": _NAME}),
    AfterValidator(checked_board),
]
"""The name of a board, in a payload or a request."""
