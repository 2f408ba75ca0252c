"""How a call of a tool ended, as a value: for the log, for people, and bounded for a model."""

from dataclasses import dataclass
from typing import Any, Literal

import orjson

Kind = Literal[
    "unknown_tool",
    "arguments",
    "failed",
    "timeout",
    "busy",
    "budget",
    "denied",
    "breaker",
    "cancelled",
]
"""Why a call gave nothing: the names stand in the log and in `/metrics`."""
FOR_MODEL_BYTES = 8_192


class ToolError(Exception):
    """A tool says that it could not do what was asked, in words for whoever asked.

    `retry` true: the same may go well a little later; `after_s` says when.
    """

    def __init__(self, message: str, *, retry: bool = False, after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry = retry
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call, ended. `value` is the result, `error` says why there is none."""

    tool: str
    value: Any = None
    kind: Kind | None = None
    error: str = ""
    took_s: float = 0.0
    attempts: int = 1

    @property
    def ok(self) -> bool:
        return self.kind is None

    def text(self) -> str:
        """The whole result as text."""
        return as_text(self.value) if self.ok else f"error ({self.kind}): {self.error}"

    def for_model(self, most_bytes: int = FOR_MODEL_BYTES) -> str:
        """The result with its middle left out where it is longer than that."""
        return bounded(self.text(), most_bytes)


def as_text(value: Any) -> str:
    """The value as text: itself where it is one, else as JSON."""
    if value is None:
        return "done"
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError):
        return str(value)


def bounded(text: str, most_bytes: int) -> str:
    """The text's head and tail in so many bytes of UTF-8, with a line that says what is missing."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= most_bytes:
        return data.decode()
    head, tail = most_bytes * 2 // 3, most_bytes // 3
    kept = data[:head].decode(errors="ignore"), data[-tail:].decode(errors="ignore")
    missing = len(data) - head - tail
    return f"{kept[0]}\n[{missing:,} of {len(data):,} bytes left out]\n{kept[1]}"
