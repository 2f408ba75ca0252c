"""How a stream ended, read from its events: BAML takes a stream that merely stops for a whole one.

Measured on 0.226.3: an end without a finish reason is a success, an event that is no JSON is left
out without a word, and for Anthropic neither denied finish reasons nor the tokens of the answer
are seen. The events themselves hold all of it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

DONE = "[DONE]"
SLICE = 1000  # events read before the loop has its turn: about 2 ms
NO_ANSWER = frozenset({
    "length", "content_filter", "max_tokens", "model_context_window_exceeded", "refusal", "safety",
    "recitation", "blocklist", "prohibited_content", "spii",
})  # fmt: skip
"""Finish reasons, in lower case, of all providers, that mean that there is no whole answer."""


class Event(Protocol):
    """One server-sent event."""

    @property
    def text(self) -> str: ...


@dataclass(slots=True)
class StreamEnd:
    """Facts from the events beside the text. `fault` is the server's own word for an error."""

    events: int = 0
    corrupt: int = 0
    complete: bool = False
    finish_reason: str | None = None
    tokens_out: int | None = None
    fault: str | None = None

    def read(self, text: str) -> None:
        """Take in one event."""
        self.events += 1
        if text == DONE:
            self.complete = True
            return
        try:
            event = orjson.loads(text)
        except orjson.JSONDecodeError:
            self.corrupt += 1
            return
        if not isinstance(event, dict):
            self.corrupt += 1
        elif event.get("error"):
            self.fault = fault_of(event["error"])
        else:
            self._note(event)

    def _note(self, event: dict[str, Any]) -> None:
        match event:
            case {"type": "message_stop"}:  # Anthropic
                self.complete = True
            case {"type": "message_delta"}:
                self._finish(_dict(event.get("delta")).get("stop_reason"))
                spent = _dict(event.get("usage")).get("output_tokens")
                self.tokens_out = spent if isinstance(spent, int) else self.tokens_out
            case {"choices": [{"finish_reason": reason}, *_]}:  # OpenAI and its like
                self._finish(reason)
            case {"candidates": [{"finishReason": reason}, *_]}:  # Google
                self._finish(reason)

    def _finish(self, reason: object) -> None:
        if isinstance(reason, str) and reason:
            self.finish_reason = reason
            self.complete = True


async def read_end(events: Sequence[Event]) -> StreamEnd:
    """Read all events of a stream; gives the loop its turn in between."""
    end = StreamEnd()
    for start in range(0, len(events), SLICE):
        if start:
            await asyncio.sleep(0)
        for event in events[start : start + SLICE]:
            end.read(event.text)
    return end


def fault_in(text: str) -> str | None:
    """The name in an error event, such as `overloaded_error`; None for any other event."""
    end = StreamEnd()
    end.read(text)
    return end.fault


def fault_of(error: object) -> str:
    fields = error if isinstance(error, dict) else {}
    words = [fields.get(name) for name in ("code", "type", "status")]
    return (
        " ".join(str(word)[:100] for word in words if isinstance(word, (str, int)) and word) or "?"
    )


def finish_reason_in(body: str) -> str | None:
    """The finish reason of a plain answer's body, without reading all of it.

    Inside a JSON string the quotation marks would be escaped, so a text cannot forge the name.
    """
    for name in ('"finish_reason"', '"stop_reason"', '"finishReason"'):
        at = body.rfind(name)
        if at >= 0:
            value = body[at + len(name) : at + len(name) + 80].lstrip(" \n\t\r:")
            return value[1:].partition('"')[0] if value.startswith('"') else None
    return None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
