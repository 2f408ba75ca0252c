"""An answer is read as the one call that it decided on, or says in words what to mend."""

import json
import random
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents_impl.task.reading import (
    MAX_ANSWER_CHARS,
    MAX_NESTING,
    Decided,
    UnreadableError,
    read,
    written,
)
from reins.tools.declaring import tool


@tool
def write_file(path: str, content: str) -> None:
    """Write a file."""


@tool
def edit_file(path: str, old: str, new: str) -> None:
    """Edit a file."""


@tool
def put(values: dict[str, object]) -> None:
    """Put values."""


@tool
def look() -> None:
    """Look."""


TOOLS = {each.name: each for each in (write_file, edit_file, put, look)}
CALL = '{"thought": "t", "tool": "write_file", "arguments": {"path": "a"}}'
WRITES = {"path": "a", "content": "x\n"}


def why(answer: str) -> str:
    with pytest.raises(UnreadableError) as caught:
        read(answer, TOOLS)
    return str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        f"{CALL}\n<<<content\nx\n>>>",
        f"{CALL}\n\n<<<<content\nx\n>>>>\n",
        f"Let me see: {{a}}.\n```json\n{CALL}\n```\n<<<content\nx\n>>>\nThat is all.",
        f"<<<content\nx\n>>>\n{CALL}",
        '{"thought":"t","tool":"write_file","arguments":{"path":"a","content":"x\\n"}}',
        '{"thought":"t","tool":"write_file","arguments":{"path":"a","content":"x\n"}}',
        '{"thought":"t","tool":"write_file","path":"a","content":"x\\n"}',
        (
            '[{"thought":"t","tool":"look","arguments":{}},'
            '{"thought":"t","tool":"write_file","arguments":{"path":"a","content":"x\\n"}}]'
        ),
        (
            '{"thought":"t","tool_calls":[{"type":"function","function":{"name":"write_file",'
            '"arguments":"{\\"path\\":\\"a\\",\\"content\\":\\"x\\\\n\\"}"}}]}'
        ),
        (
            '<tool_call>{"thought":"t","name":"write_file","parameters":{"path":"a","content":"x\\n"}}'
            "</tool_call>"
        ),
        (
            '{"tool":"write_file","arguments":{}} no: {"thought":"t","tool":"write_file",'
            '"arguments":{"path":"a","content":"x\\n"}} {"note": 1}'
        ),
    ],
)
def test_one_call_in_many_forms(answer):
    """With blocks and without, fenced, among words, wrapped as other formats do it."""
    assert read(answer, TOOLS) == Decided("t", "write_file", WRITES)


def test_of_several_the_last_that_fits():
    """A draft before it counts as little as one after it that does not fit."""
    answer = '{"tool": "look"} {"tool": "put", "arguments": {"values": {}}} {"tool": "nothing"}'
    assert read(answer, TOOLS).tool == "put"


def test_what_stands_in_a_block_is_no_call():
    """A file that holds a call is a file; and an object that breaks off holds none either."""
    inner = '{"tool": "look", "arguments": {}}'
    assert read(f"{CALL}\n<<<content\n{inner}\n>>>", TOOLS).arguments["content"] == inner + "\n"
    broken = f'{{"tool": "write_file", "arguments": {{"path": "a", "then": {inner}'
    assert "cannot be read" in why(broken)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("I would read the file.", "no JSON object"),
        ("", "no JSON object"),
        ('{"tool": "wrte_file"}', "Did you mean 'write_file'?"),
        ('{"tool": "fly"}', "There are: write_file, edit_file, put, look"),
        ('{"path": "a"}', 'names no "tool"'),
        ('{"tool": "write_file", "arguments": {"path": "a"}}', "content: Field required"),
        ('{"tool": "look", "arguments": {"x": 1}}', "x: Extra inputs"),
        ('{"tool": "look", "arguments": "x"}', "expected an object"),
        ('{"tool": "look", "arguments": {}', "line 1, column"),
        ('{"tool": "put", "arguments": {"values": {"a": NaN}}}', "NaN is no number"),
        ('{"tool": "put", "arguments": {"values": {"a": 1e999}}}', "too large"),
        ('{"tool": "put", "arguments": {"values": {"a": 99999999999999999999}}}', "too large"),
        ('{"tool": "put", "arguments": {"values": {"a": "\\ud800"}}}', "half a character"),
        ('{"tool": "put", "arguments": {"values": {"\\udfff": 1}}}', "half a character"),
        (f"{CALL}\n<<<content\nx\n", "has no end"),
        (f"{CALL}\n<<<content\nx\n>>>\ny\n>>>", "between <<<<content and >>>>"),
        ('{"tool": "put", "arguments": ' + '{"a": ' * 20_000, "nested too deeply"),
        ("{" + '"a": {' * 40 + "}" * 41, 'names no "tool"'),
        ("x" * (MAX_ANSWER_CHARS + 1), "write less"),
    ],
)
def test_an_unreadable_answer_says_what_to_mend(answer, words):
    """In words for the model that wrote it."""
    assert words in why(answer)


def test_nesting_has_a_limit():
    """No row of the log holds what is nested without end."""
    values = "1"
    for _ in range(MAX_NESTING):
        values = f'{{"a": {values}}}'
    assert "nested more than" in why(f'{{"tool": "put", "arguments": {{"values": {values}}}}}')


MARKS = st.sampled_from(
    ["<<<content\n", ">>>\n", ">>>", "<<<<new\n", ">>>>\n", "```\n", "```json\n", "\n", "\r\n",
     '{"tool": "look"}', '"', "\\", "\0", "\u2028", "\x85", "  ", "}", "é😀", "<<<x"]
)  # fmt: skip
TEXTS = st.lists(MARKS | st.text(st.characters(exclude_categories=("Cs",)), max_size=8)).map(
    "".join
)


@given(TEXTS, TEXTS, TEXTS)
def test_what_is_written_is_read(path, one, two):
    """Every text comes back as it was, whatever marks it holds: blocks, fences, breaks, NUL."""
    for call in (
        Decided("t", "write_file", {"path": path, "content": one}),
        Decided("t", "edit_file", {"path": path, "old": one, "new": two}),
    ):
        assert read(written(call), TOOLS) == call


@given(st.text(st.characters(), max_size=200) | TEXTS)
def test_any_text_is_read_or_unreadable(text):
    """Nothing else is raised, lone surrogates included, and the words can be encoded."""
    for answer in (text, CALL + text, f"{CALL}\n<<<content\n{text}", f'{{"tool": "{text}"}}'):
        try:
            decided = read(answer, TOOLS)
        except UnreadableError as error:
            str(error).encode()
        else:
            json.dumps([decided.thought, decided.arguments], ensure_ascii=False).encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["tool", "name", "arguments", "function", "tool_calls", "thought", "path", "args",
                 "content", "values", "action", "input"]
            ),
            inner | st.sampled_from(["look", "put", "write_file"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_any_json_is_read_or_unreadable(value):
    """Whatever stands under the names that count."""
    try:
        read(json.dumps(value), TOOLS)
    except UnreadableError as error:
        str(error).encode()


@pytest.mark.parametrize(
    "piece",
    ["{", '{"a":', '{"a":[1,', "<<<content\n", ">>>\n", "<<<a\n>>>\n", '{"tool":"no"}', "```\n",
     '{"a":"', "[{", " \t", "<", '{"tool":"look"', '{"a":1,', "{}", '{"tool":"look"}\n',
     '{"a":[]}', "<<<a\nx\n>>>\n{}"],
)  # fmt: skip
def test_a_huge_answer_takes_no_long_time(piece):
    """As many characters as are read, made of what may begin something."""
    answer = (piece * (MAX_ANSWER_CHARS // len(piece)))[:MAX_ANSWER_CHARS]
    began = time.process_time()
    with pytest.raises(UnreadableError):
        read(answer, TOOLS)
    assert time.process_time() - began < 1.0


def test_a_shuffled_answer_never_decides_on_another_tool():
    """Pieces of an answer in any order are read as its tool, or not at all."""
    pieces = [CALL, "<<<content\n", "x\n", ">>>\n", "```\n", "{", "}"]
    for seed in range(500):
        random.Random(seed).shuffle(pieces)
        with suppress(UnreadableError):
            assert read("".join(pieces), TOOLS).tool == "write_file"


@tool
def cancel(order: int, reason: str = "") -> None:
    """Cancel an order."""


@pytest.mark.parametrize(
    ("answer", "thought", "arguments"),
    [
        (
            '{"tool": "cancel", "order": 1, "reason": "late"}',
            "late",
            {"order": 1, "reason": "late"},
        ),
        (
            '{"thought": "t", "tool": "cancel", "order": 1, "reason": "late"}',
            "t",
            {"order": 1, "reason": "late"},
        ),
        ('{"reason": "t", "tool": "cancel", "arguments": {"order": 1}}', "t", {"order": 1}),
    ],
)
def test_an_argument_that_is_called_as_a_thought_is_called_is_kept(answer, thought, arguments):
    """Beside the name, `reason` is what the tool takes by that name: it was dropped."""
    assert read(answer, {"cancel": cancel}) == Decided(thought, "cancel", arguments)
