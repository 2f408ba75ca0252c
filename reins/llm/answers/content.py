"""The content of a message, in every shape that it is given in: a text, parts, fields beside it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MAX_DEPTH = 6
MAX_TOOLS = 8

THOUGHT_TYPES = frozenset({"thinking", "thinking_delta", "reasoning", "reasoning_text", "thought",
                           "reasoning_content", "reasoning.text", "reasoning.summary",
                           "summary_text", "redacted_thinking"})  # fmt: skip
TOOL_TYPES = frozenset({"tool_use", "tool_call", "tool-call", "function_call", "function",
                        "server_tool_use", "custom_tool_call", "input_json_delta"})  # fmt: skip
# The first that is there counts: some send the same thought under two names.
THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking", "thought", "reasoning_text",
                  "reasoning_details", "thinking_blocks")  # fmt: skip
ANY_THOUGHT = frozenset(THOUGHT_FIELDS)
TEXT_FIELDS = ("text", "thinking", "reasoning", "content", "summary", "value")


@dataclass(slots=True)
class Content:
    """The pieces of messages by their kind: `tools` are the names of those that were asked for."""

    text: list[str] = field(default_factory=list)
    thought: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    thought_chars: int = 0

    def take_message(self, message: dict[str, Any]) -> None:
        """Take in a message, or the piece of one that an event brings."""
        self.take(message.get("content"))
        self.take(message.get("parts"))  # Google
        if not ANY_THOUGHT.isdisjoint(message):
            for name in THOUGHT_FIELDS:
                if thought := strings_in(message.get(name)):
                    self._think(thought)
                    break
        if isinstance(message.get("refusal"), str):
            self.refusal.append(message["refusal"])
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else (message.get("function_call"),):
            if isinstance(call, dict):
                self._take_tool(call)

    def take(self, content: object, depth: int = 0) -> None:
        """Take in a content: a text, a part, or a list of them."""
        if isinstance(content, str):
            self.text.append(content)
        elif isinstance(content, list) and depth < MAX_DEPTH:
            for part in content:
                self.take(part, depth + 1)
        elif isinstance(content, dict) and depth < MAX_DEPTH:
            self._take_part(content, depth)

    def _take_part(self, part: dict[str, Any], depth: int) -> None:
        kind = str(part.get("type"))
        if kind in THOUGHT_TYPES or part.get("thought") is True:
            self._think(strings_in(part))
        elif kind == "refusal" or "refusal" in part:
            self.refusal.append(strings_in(part.get("refusal")))
        elif kind in TOOL_TYPES or "functionCall" in part:
            self._take_tool(part)
        else:
            text = part.get("text")
            self.take(text.get("value") if isinstance(text, dict) else text, MAX_DEPTH)
            self.take(part.get("content"), depth + 1)

    def _think(self, thought: str) -> None:
        self.thought.append(thought)
        self.thought_chars += len(thought)

    def _take_tool(self, call: dict[str, Any]) -> None:
        function = call.get("function") or call.get("functionCall") or call
        name = function.get("name") if isinstance(function, dict) else function
        if len(self.tools) < MAX_TOOLS:
            self.tools.append(name if isinstance(name, str) else "")


def strings_in(value: object, depth: int = 0) -> str:
    """The text of a thought, whatever holds it."""
    if isinstance(value, str):
        return value
    if depth < MAX_DEPTH:
        if isinstance(value, list):
            return _together(value, depth)
        if isinstance(value, dict):
            return _together((value[name] for name in TEXT_FIELDS if value.get(name)), depth)
    return ""


def _together(values: Iterable[object], depth: int) -> str:
    return "".join(strings_in(value, depth + 1) for value in values)
