"""The names of topics, the patterns that subscribe to them, and the bounds of a message."""

import re
from typing import Annotated, Any, Literal, TypeAlias

import orjson
from pydantic import AfterValidator, Field

from agent_core.actions.ids import ActionError
from store.kv import board_of

MAX_MESSAGE_BYTES = 64 * 1024
WhenFull: TypeAlias = Literal["wait", "reject", "drop_oldest"]
"""What becomes of a message that a topic has no room for."""
_MAX_NAME = 128
_PART = "[A-Za-z0-9_-]+"
_END = r"(?![\s\S])"
_NAME = rf"^{_PART}(?:\.{_PART})*{_END}"
_PATTERN = rf"^topic:(?:{_PART}|\*)(?:\.(?:{_PART}|\*))*(?:\.\*\*)?{_END}|^topic:\*\*{_END}"
_HOOK = "webhook:"
_NAMES = "parts of letters, digits, _ and - with dots between them, such as orders.eu"


def checked_topic(value: object) -> str:
    """`value` as the name of a topic. Raises: ActionError."""
    if isinstance(value, str) and len(value) <= _MAX_NAME and re.search(_NAME, value):
        return value
    raise ActionError(
        f"topic is {value!r:.160}; expected {_NAMES}, {_MAX_NAME} characters at the most"
    )


def checked_pattern(value: object) -> str:
    """`value` as what an agent subscribes to. Raises: ActionError."""
    if isinstance(value, str) and len(value) <= _MAX_NAME and re.search(_PATTERN, value):
        return value
    raise ActionError(
        f"on is {value!r:.160}; expected topic: and a name ({_NAMES}), in which * stands for one "
        "part and ** at the end for one or more"
    )


def checked_message(value: Any) -> Any:
    """`value` as the message of a topic: JSON or a text, in bounds. Raises: ActionError."""
    try:
        size_bytes = len(orjson.dumps(value))
    except (TypeError, ValueError) as error:
        raise ActionError(f"message is not plain JSON: {error}; give JSON or a text") from None
    if size_bytes > MAX_MESSAGE_BYTES:
        raise ActionError(
            f"message has {size_bytes} bytes as JSON; expected {MAX_MESSAGE_BYTES} at the most. "
            "Keep what is large in a file and name it in the message"
        )
    if value is None or value == "":
        raise ActionError(f"message is {value!r}; expected JSON or a text that is not empty")
    return value


def hook_topic(name: str) -> str:
    """The topic to which a webhook publishes what it is sent."""
    return f"hooks.{name}"


def matcher(pattern: str) -> re.Pattern[str]:
    """The names of topics that an entry of `on` subscribes to; none, where it is no topic's."""
    if pattern.startswith(_HOOK):
        pattern = hook_topic(pattern.removeprefix(_HOOK))
    parts = pattern.removeprefix("topic:").split(".")
    forms = {"*": _PART, "**": rf"{_PART}(?:\.{_PART})*"}
    return re.compile(r"\.".join(forms.get(part, re.escape(part)) for part in parts))


def checked_open_topic(value: object) -> str:
    """`value` as the name of a topic to which anybody may publish. Raises: ActionError."""
    name = checked_topic(value)
    if (board := board_of(name)) is not None:
        raise ActionError(
            f"topic {name} announces the changes of board {board}, one message each; write to the "
            "board instead"
        )
    return name


TopicName = Annotated[
    str,
    Field(min_length=1, max_length=_MAX_NAME, json_schema_extra={"pattern": _NAME}),
    AfterValidator(checked_topic),
]
"""The name of a topic, in a payload or a request."""
OpenTopic = Annotated[TopicName, AfterValidator(checked_open_topic)]
"""The name of a topic to publish to."""
