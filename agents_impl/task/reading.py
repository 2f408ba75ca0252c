"""A model's answer as the call that it decided on: a JSON object, and raw blocks after it.

No parser of a prompt's own types reads it: contents of files would not pass that one's guard, and
code inside of JSON is worse code. `written` is the other way round.
"""

import difflib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agents_impl.task.blocks import OPENS, Block, BlockError, block_at, fits_block, in_block
from reins.llm.text import SURROGATE, encodable
from reins.tools.outcome import ToolError
from reins.tools.tool import Tool

MAX_ANSWER_CHARS = 1 << 18
MAX_THOUGHT_CHARS = 2_000
MAX_NESTING = 32
_MAX_CALLS = 20
"""Of the calls of one answer, the last that are looked at."""
_MAX_BROKEN = 200
"""Places that look like the beginning of an object and are none, after which it is given up: to say
where each breaks off takes the longer, the longer the answer is.
"""
_MAX_PIECES = 1_000
"""Objects and blocks of one answer."""
_MAX_INT = 1 << 63
_SHOWN_TOOLS = 60

_TOOL = ("tool", "tool_name", "name", "action", "function")
_ARGUMENTS = ("arguments", "args", "parameters", "input", "action_input", "tool_input")
_THOUGHT = ("thought", "thoughts", "reasoning", "reason", "thinking")
_HOLDERS = ("tool_call", "tool_calls", "function_call", "function", "action", "call")
_FORM = '{"thought": "…", "tool": "…", "arguments": {…}}'


class UnreadableError(Exception):
    """An answer holds no call that can be made; the message tells the model what to mend."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The call that the model decided on. The arguments are as it gave them, and they fit."""

    thought: str
    tool: str
    arguments: dict[str, Any]


@dataclass(slots=True)
class _Found:
    """One object of an answer that may be a call, with the blocks after it."""

    value: dict[str, Any]
    blocks: list[Block] = field(default_factory=list)


def read(answer: str, tools: Mapping[str, Tool]) -> Decided:
    """The call in an answer; of several the last that fits.

    It may stand in a fence and among words. Raises: UnreadableError.
    """
    if len(answer) > MAX_ANSWER_CHARS:
        raise UnreadableError(
            f"the answer has {len(answer):,} characters, and {MAX_ANSWER_CHARS:,} are read; write "
            "less at once"
        )
    found, why = _objects(answer)
    wrong: UnreadableError | None = None
    for each in reversed(found[-_MAX_CALLS:]):
        try:
            return _decided(each, tools)
        except UnreadableError as error:
            wrong = wrong or error
    raise wrong or UnreadableError(f"{why}; answer with one object: {_FORM}")


def _objects(answer: str) -> tuple[list[_Found], str]:
    """The objects of an answer that may be calls, in order; or why there is none.

    What is in a block, or in an object that breaks off, is not looked at.
    """
    found: list[_Found] = []
    before: list[Block] = []  # of the first object
    why, at, furthest, broken = "it holds no JSON object", 0, 0, 0
    opens = OPENS.search(answer)
    for _ in range(_MAX_PIECES):
        if opens is not None and opens.start() < at:
            opens = OPENS.search(answer, at)
        begins = answer.find("{", at)
        if opens is not None and not 0 <= begins < opens.start():
            try:
                block, at = block_at(answer, opens)
            except BlockError as error:
                raise UnreadableError(str(error)) from None
            (found[-1].blocks if found else before).append(block)
        elif begins >= 0 and broken < _MAX_BROKEN:
            decoded = _decoded(answer, begins)
            if decoded.end - begins > furthest and not found:
                furthest, why = decoded.end - begins, decoded.why
            found += [_Found(call) for call in _calls_in(decoded.value)]
            at = decoded.end
            broken += decoded.value is None
        else:
            break
    else:
        raise UnreadableError(
            f"it holds {_MAX_PIECES:,} objects and blocks or more; answer with one object: {_FORM}"
        )
    if found:
        found[0].blocks[:0] = before
    return found, why


@dataclass(frozen=True, slots=True)
class _Decoded:
    """The JSON at a place, where it ends or breaks off, and why it is no call if it is none."""

    value: Any
    end: int
    why: str


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


_DECODER = json.JSONDecoder(strict=False, parse_constant=_no_number)


def _decoded(text: str, at: int) -> _Decoded:
    try:
        value, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        why = f"its JSON cannot be read ({error.msg} at line {error.lineno}, column {error.colno})"
        return _Decoded(None, max(at + 1, error.pos), f"{why}; put long texts into raw blocks")
    except RecursionError:
        return _Decoded(None, len(text), "its JSON is nested too deeply")
    except ValueError as error:
        return _Decoded(None, len(text), f"its JSON cannot be read ({error})")
    return _Decoded(value, end, 'its object names no "tool"')


def _calls_in(value: Any, depth: int = 4) -> Iterator[dict[str, Any]]:
    """The calls that an object is or holds, as one way of calling tools or the other wraps them."""
    if isinstance(value, list):
        for each in value:
            yield from _calls_in(each, depth - 1)
    elif isinstance(value, dict):
        if any(isinstance(value.get(name), str) for name in _TOOL):
            yield value
        elif depth > 0:
            for name in _HOLDERS:
                held = value.get(name)
                for call in _calls_in(held, depth - 1) if isinstance(held, dict | list) else ():
                    yield {**_thought_of(value), **call}


def _thought_of(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value[name] for name in _THOUGHT if isinstance(value.get(name), str)}


def _decided(found: _Found, tools: Mapping[str, Tool]) -> Decided:
    value = found.value
    key, name = next((key, value[key]) for key in _TOOL if isinstance(value.get(key), str))
    tool = tools.get(name)
    if tool is None:
        raise UnreadableError(_unknown(name, tools))
    arguments = _arguments(value, key, tool)
    arguments |= {block.name: block.text for block in found.blocks}
    _check_plain(arguments)
    try:
        tool.check(arguments)
    except ToolError as error:
        raise UnreadableError(encodable(str(error))) from None
    thought = next(iter(_thought_of(value).values()), "")
    return Decided(encodable(thought).strip()[:MAX_THOUGHT_CHARS], name, arguments)


def _arguments(value: Mapping[str, Any], named: str, tool: Tool) -> dict[str, Any]:
    """The arguments of a call: in a field of their own, as JSON in a text, or beside the name.

    Beside the name, a field that is called as a thought is called is none where the tool takes it.
    """
    for name in _ARGUMENTS:
        given = value.get(name)
        if isinstance(given, str) and "{" in given:
            given = _decoded(given, given.index("{")).value
        if isinstance(given, dict):
            return dict(given)
    if value.get("arguments") is not None:
        raise UnreadableError(f'"arguments" is {value["arguments"]!r:.80}; expected an object')
    own = tool.spec()["function"]["parameters"].get("properties", {})
    thought = next((name for name in _thought_of(value) if name not in own), None)
    return {name: each for name, each in value.items() if name not in (named, thought, "arguments")}


def _check_plain(arguments: dict[str, Any]) -> None:
    """Raises: UnreadableError for what no row of the log could hold."""
    level: list[tuple[str, Any]] = list(arguments.items())
    for _ in range(MAX_NESTING):
        inner: list[tuple[str, Any]] = []
        for name, value in level:
            _check_value(name, value)
            if isinstance(value, dict):
                inner += [(f"{name}.{key}", each) for key, each in value.items()]
            elif isinstance(value, list):
                inner += [(name, each) for each in value]
        if not inner:
            return
        level = inner
    raise UnreadableError(f"the arguments are nested more than {MAX_NESTING} deep")


def _check_value(name: str, value: Any) -> None:
    if SURROGATE.search(name) or (isinstance(value, str) and SURROGATE.search(value)):
        raise UnreadableError(
            f"{encodable(name)!r:.80} holds half a character (\\ud800 to \\udfff alone); write the "
            "character itself, or \\\\ud800 where the six signs are meant"
        )
    too_large = isinstance(value, int) and not -_MAX_INT <= value < _MAX_INT
    if too_large or (isinstance(value, float) and not math.isfinite(value)):
        raise UnreadableError(f"{name!r:.80} is a number too large; give it as a text")


def _unknown(name: str, tools: Mapping[str, Tool]) -> str:
    near = difflib.get_close_matches(name, tools, n=1, cutoff=0.5)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    names = [*tools]
    more = f" and {len(names) - _SHOWN_TOOLS} more" if len(names) > _SHOWN_TOOLS else ""
    there = ", ".join(names[:_SHOWN_TOOLS]) + more
    return encodable(f"there is no tool {name!r:.80}.{meant} There are: {there}")


def written(decided: Decided) -> str:
    """An answer that reads as this call: texts of several lines in blocks, wherever they can be."""
    blocks = {
        name: value
        for name, value in decided.arguments.items()
        if isinstance(value, str) and "\n" in value and fits_block(name, value)
    }
    others = {name: each for name, each in decided.arguments.items() if name not in blocks}
    call = {"thought": decided.thought, "tool": decided.tool, "arguments": others}
    lines = [json.dumps(call, ensure_ascii=False)]
    return "\n".join([*lines, *(in_block(name, text) for name, text in blocks.items())])
