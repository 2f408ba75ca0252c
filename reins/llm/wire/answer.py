"""An answer as it comes, whichever provider's: text, end, tokens, faults.

Plain bodies and the events of streams are read alike, by what stands in them.
"""

from collections.abc import Mapping
from typing import Any

from reins.llm.text import encodable
from reins.llm.wire.json_text import loads
from reins.llm.wire.usage import Usage, usage_in

DONE = b"[DONE]"
NO_ANSWER = frozenset({
    "length", "content_filter", "max_tokens", "model_context_window_exceeded", "refusal", "safety",
    "recitation", "blocklist", "prohibited_content", "spii",
})  # fmt: skip
"""Finish reasons, in lower case, of all providers, that mean that there is no whole answer."""

HIGH_SURROGATES = ("\ud800", "\udbff")


class Answer:
    """What has come of an answer so far. `fault` is the server's own word for an error.

    `complete`: it has said that it is at its end; `counted`: and how many tokens it took.
    """

    __slots__ = (
        "_half", "complete", "corrupt", "counted", "ended", "events", "fault", "finish_reason",
        "text", "usage",
    )  # fmt: skip

    def __init__(self) -> None:
        self.events = 0
        self.corrupt = 0
        self.text = ""
        self._half = ""
        self.usage = Usage()
        self.complete = False
        self.ended = False
        """Nothing more will come."""
        self.counted = False
        self.finish_reason: str | None = None
        self.fault: str | None = None

    def event(self, data: bytes) -> None:
        """Take in one event of a stream."""
        if not data.strip():
            return
        self.events += 1
        if data.strip() == DONE:
            self.complete = self.ended = True
            return
        try:
            value = loads(data)
        except ValueError:
            value = None
        if isinstance(value, dict):
            self._take(value)
        else:
            self.corrupt += 1

    def body(self, data: bytes) -> bool:
        """Take in a plain answer; False if it is none."""
        try:
            value = loads(data)
        except ValueError:
            return False
        if not isinstance(value, dict):
            return False
        self._take(value)
        self.flush()
        return self.fault is not None or _message_of(value) is not None

    def flush(self) -> None:
        """The end has come: half a character that waited for its other half stays half."""
        self.text += encodable(self._half)
        self._half = ""

    def _take(self, value: dict[str, Any]) -> None:
        if value.get("error"):
            self.fault = fault_of(value["error"])
            self.ended = True
            return
        message = _message_of(value)
        if message is not None:
            self._add(_text(message.get("content", message.get("parts"))))
        elif value.get("type") == "content_block_delta":  # Anthropic
            self._add(_text(_dict(value.get("delta")).get("text")))
        self._finish(value)
        self.usage.read(usage_in(value))
        self.counted = self.complete and (self.counted or bool(usage_in(value)))

    def _add(self, piece: str) -> None:
        if not piece:
            return
        piece = self._half + piece
        # The other half may come with the next event.
        self._half = piece[-1] if HIGH_SURROGATES[0] <= piece[-1] <= HIGH_SURROGATES[1] else ""
        self.text += encodable(piece[: len(piece) - len(self._half)])

    def _finish(self, value: Mapping[str, Any]) -> None:
        reason: object = value.get("stop_reason")
        match value:
            case {"type": "message_stop"}:  # Anthropic
                self.complete = self.ended = True
            case {"type": "message_delta"}:
                reason = _dict(value.get("delta")).get("stop_reason")
            case {"choices": [{"finish_reason": found}, *_]}:  # OpenAI and its like
                reason = found
            case {"candidates": [{"finishReason": found}, *_]}:  # Google
                reason = found
        if isinstance(reason, str) and reason:
            self.finish_reason = reason
            self.complete = True


def fault_of(error: object) -> str:
    """The name that an error gives itself, such as `overloaded_error`."""
    fields = error if isinstance(error, dict) else {}
    words = [fields.get(name) for name in ("code", "type", "status")]
    return (
        " ".join(str(word)[:100] for word in words if isinstance(word, (str, int)) and word) or "?"
    )


def _message_of(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """The part of an answer or an event that holds the text."""
    match value:
        case {"choices": [{"message": dict(message)}, *_]}:
            return message
        case {"choices": [{"delta": dict(message)}, *_]}:
            return message
        case {"candidates": [{"content": dict(message)}, *_]}:
            return message
        case {"type": "message", "content": list()}:
            return dict(value)
    return None


def _text(content: object) -> str:
    """The text of a message: as it is, or in parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(
        part["text"]
        for part in parts
        if isinstance(part, dict)
        and isinstance(part.get("text"), str)
        and part.get("type", "text") == "text"
        and not part.get("thought")
    )


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
