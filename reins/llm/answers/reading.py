"""Answers read by need: text, thought, finish reason, tokens and errors, out of any known shape.

A field that is missing, or odd, and not needed, is no reason to throw an answer away.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Protocol

import orjson

from reins.llm.answers.content import Content
from reins.llm.answers.faults import Fault, fault_in
from reins.llm.answers.thoughts import part
from reins.llm.answers.usage import Counted

DONE = "[DONE]"
SLICE = 1000  # events read before the loop has its turn: about 2 ms
NO_ANSWER = frozenset({
    "length", "content_filter", "max_tokens", "model_context_window_exceeded", "refusal", "safety",
    "recitation", "blocklist", "prohibited_content", "spii", "model_length", "sensitive",
    "error_toxic", "image_safety", "language",
})  # fmt: skip
"""Finish reasons, in lower case, of all providers, that mean that there is no whole answer."""
FAILED = {
    "error": "server_error", "abort": "server_error", "network_error": "server_error",
    "insufficient_system_resource": "overloaded",
}  # fmt: skip
"""Finish reasons that mean that the server has failed, and the names of those errors."""
CHOICE = frozenset({"message", "delta", "text", "finish_reason"})
FIELD = re.compile(r"[A-Za-z_]\w{0,30}")
MAX_FIELDS = 8


class Event(Protocol):
    """One server-sent event."""

    @property
    def text(self) -> str: ...


class Reading:
    """All that was read of one answer: of its body, or event by event.

    `complete`: the server has said that it has finished. `is_known`: some of it had the shape of an
    answer. `answer`, `thought` and `is_lone_thought` are there after `finish`.
    """

    def __init__(self) -> None:
        self.content = Content()
        self.counted = Counted()
        self.events = 0
        self.corrupt = 0
        self.complete = False
        self.is_known = False
        self.finish_reason: str | None = None
        self.fault: Fault | None = None
        self.came = ""
        """In words, what came last that is no answer."""
        self.answer = ""
        self.thought = ""
        self.is_lone_thought = False

    def read_event(self, text: str) -> None:
        """Take in one event of a stream."""
        self.events += 1
        if text.strip() == DONE:
            self.complete = True
            return
        try:
            event = orjson.loads(text)
        except orjson.JSONDecodeError:
            self.corrupt += 1
            self.came = kind_of_text(text)
            return
        if isinstance(event, dict):
            self.take(event)
        else:
            self.corrupt += 1
            self.came = "a list" if isinstance(event, list) else "no object"

    def take(self, value: dict[str, Any]) -> None:
        """Take in an object: a whole answer, or an event of one."""
        fault = fault_in(value)
        if fault is not None:
            self.fault = fault
            return
        self.counted.take(value)
        if not self._take(value):
            self.came = f"JSON {_fields_of(value)}"

    def finish(self) -> None:
        """Tell the thoughts apart, once all of it was taken in."""
        parted = part("".join(self.content.text))
        thoughts = ["".join(self.content.thought).strip(), parted.thought]
        self.answer = parted.answer
        self.thought = "\n\n".join(filter(None, thoughts))
        self.is_lone_thought = parted.lone

    @property
    def lack(self) -> str:
        """In words, what came in place of an answer's text."""
        if tools := sorted({name for name in self.content.tools if FIELD.fullmatch(name)}):
            return f"a call of {', '.join(tools)}, where no tool was offered"
        if self.content.tools:
            return "a call of a tool, where none was offered"
        return "thoughts, and no answer" if self.thought else "an empty answer"

    def _take(self, value: dict[str, Any]) -> bool:
        """Take in an object by the shape that it has; returns False for one of no known shape."""
        match value:
            case {"choices": [{} as choice, *_]} if CHOICE & choice.keys():  # OpenAI and its like
                self._take_choice(choice)
            case {"choices": []} if self._is_aside(value):
                pass
            case {"candidates": [{} as candidate, *_]}:  # Google
                self._take_message(candidate.get("content"))
                self._finish(candidate.get("finishReason"))
            case {"promptFeedback": {"blockReason": str()}}:
                self._finish("safety")
            case {"usageMetadata": {}}:
                pass
            case {"type": str(kind)} if self._take_typed(kind, value):
                pass
            case {"message": {} as message}:  # Ollama
                self._take_message(message)
                self._finish(value.get("done_reason") or ("stop" if value.get("done") else None))
            case {"output": list(items)} if items:  # OpenAI's responses
                self.content.take(items)
                self._finish("stop" if value.get("status") == "completed" else None)
            case {"content": str() | list()} | {"response": str()} | {"delta": {}}:
                self._take_bare(value)
            case _:
                return False
        self.is_known = True
        return True

    def _take_choice(self, choice: dict[str, Any]) -> None:
        if choice.get("index") in {None, 0, "0"}:
            # Some send the whole message so far with each delta, or once more at the end.
            if isinstance(choice.get("delta"), dict):
                self._take_message(choice["delta"])
            elif not self.content.text:
                self._take_message(choice.get("message"))
            self.content.take(choice.get("text"))
        self._finish(choice.get("finish_reason") or choice.get("finishReason"))

    def _take_typed(self, kind: str, value: dict[str, Any]) -> bool:
        """Take in an answer or an event of Anthropic's."""
        if kind == "message":
            self._take_message(value)
            self._finish(value.get("stop_reason"))
        elif kind == "message_start":
            self.counted.take(_dict(value.get("message")))
        elif kind == "content_block_start":
            self.content.take(value.get("content_block"))
        elif kind == "content_block_delta":
            self.content.take(value.get("delta"))
        elif kind == "message_delta":
            self._finish(_dict(value.get("delta")).get("stop_reason"))
        elif kind == "message_stop":
            self.complete = True
        else:
            return kind in {"ping", "content_block_stop"}
        return True

    def _take_bare(self, value: dict[str, Any]) -> None:
        """Take in an answer that is a message by itself."""
        self._take_message(value)
        self._take_message(value.get("delta"))
        self.content.take(value.get("response"))
        reason = value.get("finish_reason") or value.get("stop_reason") or value.get("done_reason")
        self._finish(reason or ("stop" if value.get("stop") or value.get("done") else None))

    def _take_message(self, message: object) -> None:
        if isinstance(message, str):
            self.content.take(message)
        elif isinstance(message, dict):
            self.content.take_message(message)

    def _is_aside(self, value: dict[str, Any]) -> bool:
        """True of an event without an answer: the count of tokens, or a filter's report."""
        return "usage" in value or "prompt_filter_results" in value or self.is_known

    def _finish(self, reason: object) -> None:
        if isinstance(reason, str) and reason:
            self.finish_reason = reason
            self.complete = True
            if name := FAILED.get(reason.lower()):
                self.fault = Fault(names=name)


def read_body(text: str) -> Reading:
    """Read a plain answer; one that was sent as events, unasked, is read as well."""
    reading = Reading()
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if isinstance(value, dict):
        reading.take(value)
    elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        for each in value:  # Google
            reading.take(each)
    elif text.lstrip()[:6] in {"data: ", "event:"}:
        for line in text.splitlines():
            if line.startswith("data:"):
                reading.read_event(line[5:].strip())
    else:
        reading.came = kind_of_text(text) if value is None else f"JSON that is {_name_of(value)}"
    reading.finish()
    return reading


async def read_events(events: Sequence[Event]) -> Reading:
    """Read all events of a stream; gives the loop its turn in between."""
    reading = Reading()
    for start in range(0, len(events), SLICE):
        if start:
            await asyncio.sleep(0)
        for event in events[start : start + SLICE]:
            reading.read_event(event.text)
    reading.finish()
    return reading


def kind_of_text(text: str) -> str:
    """In words, a text that is no JSON."""
    begun = text[:1000].lstrip().lower()
    if not begun:
        return "nothing"
    if begun.startswith(("<!doctype", "<html", "<head", "<body")):
        return "a page of HTML"
    if begun.startswith("<"):
        return "XML"
    return "JSON that breaks off" if begun[0] in "{[" else "text that is no JSON"


def _fields_of(value: dict[str, Any]) -> str:
    names = [name for name in value if FIELD.fullmatch(name)][:MAX_FIELDS]
    return f"with {', '.join(names)}" if names else "without a field"


def _name_of(value: object) -> str:
    names = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
