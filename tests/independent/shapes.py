"""The shapes in which models write calls: each of those that the reader accepts."""

import json

from agents_impl.task.blocks import fits_block, in_block
from agents_impl.task.reading import Decided, written

THOUGHT = 'I look at { braces } and "quotes" first.'


def _dumped(value):
    return json.dumps(value, ensure_ascii=False)


def plain(tool, arguments):
    return _dumped({"thought": THOUGHT, "tool": tool, "arguments": arguments})


def as_asked(tool, arguments):
    return written(Decided(THOUGHT, tool, arguments))


def blocks(tool, arguments):
    """Every text in a raw block."""
    texts = {
        name: value
        for name, value in arguments.items()
        if isinstance(value, str) and name.isidentifier() and name.isascii() and len(name) <= 64
        and fits_block(name, value)
    }  # fmt: skip
    others = {name: value for name, value in arguments.items() if name not in texts}
    return "\n".join([plain(tool, others), *(in_block(*each) for each in texts.items())])


def among_words(tool, arguments):
    call = json.dumps({"thought": THOUGHT, "tool": tool, "arguments": arguments}, indent=2)
    return f"Sure! {{I}} think this is right:\n```json\n{call}\n```\nTell me what it gives."


def openai(tool, arguments):
    return openai_many([(tool, arguments)])


def openai_many(calls):
    made = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": tool, "arguments": json.dumps(arguments)},
        }
        for number, (tool, arguments) in enumerate(calls)
    ]
    return _dumped({"role": "assistant", "content": None, "tool_calls": made})


def anthropic(tool, arguments):
    return _dumped({"type": "tool_use", "id": "toolu_1", "name": tool, "input": arguments})


def react(tool, arguments):
    return _dumped({"thought": THOUGHT, "action": tool, "action_input": arguments})


def named(tool, arguments):
    return f"<tool_call>\n{_dumped({'name': tool, 'arguments': arguments})}\n</tool_call>"


def parameters(tool, arguments):
    return _dumped({"name": tool, "parameters": arguments})


def google(tool, arguments):
    return _dumped({"function_call": {"name": tool, "args": arguments}})


def flat(tool, arguments):
    return _dumped({"tool": tool, **arguments})


def flat_named(tool, arguments):
    """The same, with a name for the tool's name that arguments have too."""
    return _dumped({"name": tool, **arguments})


SHAPES = (
    plain, as_asked, blocks, among_words, openai, anthropic, react, named, parameters, google,
    flat, flat_named,
)  # fmt: skip
