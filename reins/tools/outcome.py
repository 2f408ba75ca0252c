"""How a call of a tool ended, as a value: for the log, for people, and bounded for a model."""

from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from reins.tools.asking import Asks

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
    "asks",
]
"""Reasons for which a call gave nothing: the names stand in the log and in `/metrics`."""
FOR_MODEL_BYTES = 8_192


class ToolError(Exception):
    """A tool says that it could not do what was asked, in words for whoever asked.

    `retry` true: the same may go well a little later; `after_s` says when. `status`: of an answer
    of the web that was none.
    """

    def __init__(
        self,
        message: str,
        *,
        retry: bool = False,
        after_s: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry = retry
        self.after_s = after_s


class AsksPersonError(ToolError):
    """Raised by a tool instead of a result: a person has to answer first."""

    def __init__(self, asks: Asks) -> None:
        super().__init__(asks.question)
        self.asks = asks


class ArgumentsError(ToolError):
    """The arguments do not fit the tool's input: what came and what was expected, by field."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call, ended. `value` is the result, `error` says why there is none.

    `whole` is the result as text, `size_bytes` its length; `file` is where it is kept where it is
    too long for a model. `asks`: what the tool asks a person, to go on with the answer.
    """

    tool: str
    value: Any = field(default=None, repr=False)
    kind: Kind | None = None
    error: str = ""
    took_s: float = 0.0
    attempts: int = 1
    whole: str | None = field(default=None, repr=False)
    size_bytes: int = 0
    file: str | None = None
    asks: Asks | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        return self.kind is None

    def text(self) -> str:
        """The whole result as text; of a failure, its kind and words."""
        if not self.ok:
            return f"error ({self.kind}): {self.error}"
        return as_text(self.value) if self.whole is None else self.whole

    def for_model(self, most_bytes: int = FOR_MODEL_BYTES) -> str:
        """The result with its middle left out where it is longer than that."""
        return bounded(self.text(), most_bytes)


class CallError(ToolError):
    """A call from a script gave nothing; `outcome` says how it ended."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(f"{outcome.tool}: {outcome.error}")
        self.outcome = outcome


def as_text(value: Any) -> str:
    """The value as text that UTF-8 can hold: itself where it is one, else as JSON."""
    if value is None:
        return "done"
    if isinstance(value, str):
        return value if value.isascii() else _encodable(value)
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode(errors="backslashreplace")
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError, RecursionError):
        return _encodable(str(value))


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def bounded(text: str, most_bytes: int) -> str:
    """The text's head and tail in so many bytes of UTF-8, with a line that says what is missing."""
    if len(text) * 4 <= most_bytes:
        return text if text.isascii() else _encodable(text)
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= most_bytes:
        return data.decode()
    note = "\n[{:,} of {:,} bytes left out]\n"
    room = max(0, most_bytes - len(note.format(len(data), len(data))))
    head, tail = room * 2 // 3, room // 3
    begins = data[:head].decode(errors="ignore")
    ends = data[len(data) - tail :].decode(errors="ignore")
    return f"{begins}{note.format(len(data) - head - tail, len(data))}{ends}"
