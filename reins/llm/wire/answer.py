"""An answer as it comes, whichever provider's: text, thought, end, tokens, faults.

Plain bodies and the events of streams are read alike, by need: a field that is missing, or odd, and
not needed, is no reason to throw an answer away.
"""

import re
from typing import Any

from reins.llm.answers.content import Content
from reins.llm.answers.faults import Fault, fault_in
from reins.llm.answers.pieces import piece_in
from reins.llm.answers.tags import Parted
from reins.llm.answers.thoughts import part
from reins.llm.text import encodable
from reins.llm.wire.json_text import loads
from reins.llm.wire.usage import Usage, usage_in

DONE = b"[DONE]"
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

CHOICE = frozenset({"message", "delta", "text"})
HIGH_SURROGATES = ("\ud800", "\udbff")
FIELD = re.compile(r"[A-Za-z_]\w{0,30}")
MAX_FIELDS = 8
MAX_EVENTS_IN_BODY = 10_000


class Answer:
    """An answer, as far as it has come. `fault` is an error that came in its place.

    `said` is the text as it came, with a thought that stands in it. `complete`: the answer has said
    that it is at its end; `counted`: and how many tokens it took. `is_known`: some of it had the
    shape of an answer; `stray` says in words what came last that had not.
    """

    __slots__ = (
        "_content", "_half", "_parted", "complete", "corrupt", "counted", "ended", "events",
        "fault", "finish_reason", "is_known", "said", "stray", "usage",
    )  # fmt: skip

    def __init__(self) -> None:
        self.events = 0
        self.corrupt = 0
        self.said = ""
        self._half = ""
        self._content = Content()
        self._parted: tuple[int, Parted] | None = None
        self.usage = Usage()
        self.complete = False
        self.ended = False
        """Nothing more will come."""
        self.counted = False
        self.is_known = False
        self.stray = "nothing"
        self.finish_reason: str | None = None
        self.fault: Fault | None = None

    @property
    def text(self) -> str:
        """The answer alone, without its thought."""
        return self._part().answer

    @property
    def thought(self) -> str:
        """The thought, whichever way it came."""
        beside = encodable("".join(self._content.thought)).strip()
        return "\n\n".join(filter(None, (beside, self._part().thought)))

    @property
    def begins_in_thought(self) -> bool:
        """True if a thought was closed that nothing had opened."""
        return self._part().lone

    @property
    def chars(self) -> int:
        """The length of all that came, thoughts included."""
        return len(self.said) + self._content.thought_chars

    @property
    def is_refused(self) -> bool:
        """True if the model refused, in a field that is there for it."""
        return any(self._content.refusal)

    @property
    def lack(self) -> str:
        """In words, what came in place of a text."""
        if tools := sorted({name for name in self._content.tools if FIELD.fullmatch(name)}):
            return f"a call of {', '.join(tools)}, where no tool was offered"
        if self._content.tools:
            return "a call of a tool, where none was offered"
        return "thoughts, and no answer" if self.thought else "an empty answer"

    def event(self, data: bytes) -> None:
        """Take in one event of a stream."""
        bare = data.strip()
        if not bare:
            return
        self.events += 1
        if bare == DONE:
            self.complete = self.ended = True
            return
        try:
            value = loads(data)
        except ValueError:
            value, self.stray = None, kind_of_text(data)
        if isinstance(value, dict):
            self._take(value)
        else:
            self.corrupt += 1

    def body(self, data: bytes) -> bool:
        """Take in a plain answer; False if it is none."""
        try:
            value = loads(data)
        except ValueError:
            value, self.stray = None, kind_of_text(data)
            self._take_lines(data)
        if isinstance(value, dict):
            self._take(value)
        elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            for each in value:  # Google
                self._take(each)
        elif value is not None:
            self.stray = f"JSON that is {_name_of(value)}"
        self.flush()
        return self.fault is not None or self.is_known

    def flush(self) -> None:
        """The end has come: half a character that waited for its other half stays half."""
        self.said += encodable(self._half)
        self._half = ""

    def _part(self) -> Parted:
        if self._parted is None or self._parted[0] != len(self.said):
            self._parted = (len(self.said), part(self.said))
        return self._parted[1]

    def _take_lines(self, data: bytes) -> None:
        """Take in a stream that nobody has asked for: of events, or of an object a line."""
        begun = data.lstrip()[:6]
        if begun in {b"data: ", b"data:{", b"event:"}:
            for line in data.splitlines()[:MAX_EVENTS_IN_BODY]:
                if line.startswith(b"data:"):
                    self.event(line[5:])
        elif begun.startswith(b"{"):
            lines = [line for line in data.splitlines() if line.strip()][:MAX_EVENTS_IN_BODY]
            if len(lines) > 1 and all(line.startswith(b"{") for line in lines):
                for line in lines:
                    self.event(line)

    def _take(self, value: dict[str, Any]) -> None:
        if (piece := piece_in(value)) is not None:
            self.is_known = True
            self._add(piece)
            return
        fault = fault_in(value)
        if fault is not None:
            self.fault = fault
            self.ended = True
            return
        if self._take_shape(value):
            self.is_known = True
        else:
            self.stray = f"JSON {_fields_of(value)}"
        self._add("".join(self._content.text))
        self._content.text.clear()
        counted = usage_in(value)
        self.usage.read(counted)
        self.counted = self.complete and (self.counted or bool(counted))

    def _add(self, piece: str) -> None:
        if not piece:
            return
        piece = self._half + piece
        # The other half may come with the next event.
        self._half = piece[-1] if HIGH_SURROGATES[0] <= piece[-1] <= HIGH_SURROGATES[1] else ""
        self.said += encodable(piece[: len(piece) - len(self._half)])

    def _take_shape(self, value: dict[str, Any]) -> bool:
        """Take in an object by the shape that it has; returns False for one of no known shape."""
        match value:
            case {"choices": [{} as choice, *_]} if CHOICE & choice.keys():  # OpenAI and its like
                self._take_choice(choice)
            case {"candidates": [{"content": content, **candidate}, *_]}:  # Google
                self._take_message(content)
                self._finish(candidate.get("finishReason"))
            case {"choices": [{"finish_reason": str(reason)}, *_]}:
                self._finish(reason)
            case {"candidates": [{"finishReason": str(reason)}, *_]}:
                self._finish(reason)
            case {"promptFeedback": {"blockReason": str()}}:
                self._finish("safety")
            case {"type": str(kind)} if self._take_typed(kind, value):
                pass
            case _:
                return self._take_odd_shape(value)
        return True

    def _take_odd_shape(self, value: dict[str, Any]) -> bool:
        """Take in an object in the shape of another interface than those that are called."""
        match value:
            case {"choices": []} if "usage" in value or "prompt_filter_results" in value:
                return self.is_known  # an aside, in streams
            case {"message": {} as message}:  # Ollama
                self._take_message(message)
                self._finish(value.get("done_reason") or ("stop" if value.get("done") else None))
            case {"output": list(items)} if items:  # OpenAI's responses
                self._content.take(items)
                self._finish("stop" if value.get("status") == "completed" else None)
            case {"content": str() | list()} | {"response": str()} | {"delta": {}}:
                self._take_bare(value)
            case _:
                return False
        return True

    def _take_choice(self, choice: dict[str, Any]) -> None:
        if str(choice.get("index") or 0) == "0":
            # Some send the whole message so far with each delta, or once more at the end.
            if isinstance(choice.get("delta"), dict):
                self._take_message(choice["delta"])
            elif not self.said:
                self._take_message(choice.get("message"))
            self._content.take(choice.get("text"))
        self._finish(choice.get("finish_reason") or choice.get("finishReason"))

    def _take_typed(self, kind: str, value: dict[str, Any]) -> bool:
        """Take in an answer or an event of Anthropic's."""
        if kind == "message":
            self._take_message(value)
            self._finish(value.get("stop_reason"))
        elif kind == "content_block_start":
            self._content.take(value.get("content_block"))
        elif kind == "content_block_delta":
            self._content.take(value.get("delta"))
        elif kind == "message_delta" and isinstance(value.get("delta"), dict):
            self._finish(value["delta"].get("stop_reason"))
        elif kind == "message_stop":
            self.complete = self.ended = True
        else:
            return kind in {"message_start", "ping", "content_block_stop"}
        return True

    def _take_bare(self, value: dict[str, Any]) -> None:
        """Take in an answer that is a message by itself."""
        self._take_message(value)
        self._take_message(value.get("delta"))
        self._content.take(value.get("response"))
        reason = value.get("finish_reason") or value.get("stop_reason") or value.get("done_reason")
        self._finish(reason or ("stop" if value.get("stop") or value.get("done") else None))

    def _take_message(self, message: object) -> None:
        if isinstance(message, str):
            self._content.take(message)
        elif isinstance(message, dict):
            self._content.take_message(message)

    def _finish(self, reason: object) -> None:
        if isinstance(reason, str) and reason:
            self.finish_reason = reason
            self.complete = True
            if name := FAILED.get(reason.lower()):
                self.fault = Fault(names=name)


def kind_of_text(data: bytes) -> str:
    """In words, what is no JSON."""
    begun = data[:1000].strip().lower()
    if not begun:
        return "nothing"
    if begun.startswith((b"<!doctype", b"<html", b"<head", b"<body")):
        return "a page of HTML"
    if begun.startswith(b"<"):
        return "XML"
    return "JSON that breaks off" if begun[:1] in {b"{", b"["} else "text that is no JSON"


def _fields_of(value: dict[str, Any]) -> str:
    names = [name for name in value if FIELD.fullmatch(name)][:MAX_FIELDS]
    return f"with {', '.join(names)}" if names else "without a field"


def _name_of(value: object) -> str:
    names = {list: "a list", str: "a text", bool: "true or false"}
    return names.get(type(value), "a number")
