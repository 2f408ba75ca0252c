"""The guard lets through what models write, and nothing that BAML's parser takes long over."""

import contextlib
import json
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.llm.baml.errors import BamlError
from reins.llm.baml.parse_guard import (
    MAX_ASTRAY,
    MAX_BRACKETS,
    MAX_BYTES,
    MAX_COMMAS,
    MAX_NESTING,
    MAX_QUOTES,
    MAX_VALUES,
    UnreadableError,
    guarded,
    nesting,
)
from reins.llm.baml.runtime import Compiled
from tests.support.wire import MAX_LAG_S, compiled_for

# Types on which the parser has much to try: unions, maps, lists of classes, recursion.
TYPES = """
enum Mood {
  GLAD
  SAD
}
class Inner {
  a int
  b string?
  mood Mood?
}
class One {
  tool "one"
  x int
}
class Two {
  tool "two"
  y string[]
}
class Node {
  name string
  kids Node[]
}
type Free = string | int | float | bool | null | Free[] | map<string, Free>
class Outer {
  action string
  mood Mood?
  inner Inner[]
  numbers map<string, int>
  inners map<string, Inner>
  either (int | Inner | Inner[] | string[])?
  tool One | Two
  node Node?
  free Free?
}
function ReadOuter() -> Outer {
  client Route
  prompt #"x"#
}
function ReadAny() -> Free {
  client Route
  prompt #"x"#
}
function ReadTools() -> (One | Two)[] {
  client Route
  prompt #"x"#
}
function ReadNode() -> Node {
  client Route
  prompt #"x"#
}
"""
FUNCTIONS = ["ReadOuter", "ReadAny", "ReadTools", "ReadNode", "ChooseAction"]


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compiled_for("http://127.0.0.1:9", extra=TYPES)


def passes(text: str) -> bool:
    try:
        guarded(text)
    except UnreadableError:
        return False
    return True


def longest_s(compiled: Compiled, text: str) -> float:
    """Seconds that the slowest function takes to read a text, if the guard lets it pass."""
    if not passes(text):
        return 0.0
    return max(time_of(compiled, function, guarded(text)) for function in FUNCTIONS)


def is_quick(compiled: Compiled, text: str) -> bool:
    """Whether it is ever read in time: the best of three, for the machine is not ours alone."""
    return any(longest_s(compiled, text) < MAX_LAG_S for _ in range(3))


def time_of(compiled: Compiled, function: str, text: str) -> float:
    began = time.thread_time()  # of this thread alone: others may have the machine meanwhile
    with contextlib.suppress(BamlError):
        compiled.parse(function, text)
    return time.thread_time() - began


def deep(inner: object, *, width: int, depth: int = MAX_NESTING) -> object:
    for _ in range(depth):
        inner = [inner, *["y"] * width]
    return inner


def deep_dict(inner: object, *, width: int) -> object:
    for _ in range(MAX_NESTING - 1):
        inner = {"either": inner, **{f"k{number}": "y" for number in range(width)}}
    return inner


ROOM = MAX_VALUES - 5
WIDTH = MAX_VALUES // MAX_NESTING - 2
WORST = {
    "a map of wrong values": json.dumps({"numbers": {f"k{n}": "x" for n in range(ROOM)}}),
    "a map of wrong classes": json.dumps(
        {"inners": {f"k{n}": {"a": "x"} for n in range(ROOM // 2)}}
    ),
    "a list of no classes": json.dumps({"inner": ["x" * 100] * ROOM}),
    "a list of no tools": json.dumps({"tool": [{"tool": "q", "x": "z"}] * (ROOM // 3)}),
    "deep and wide": json.dumps({"either": deep("q", width=WIDTH, depth=MAX_NESTING - 1)}),
    "deep and wide alone": json.dumps(deep("q", width=WIDTH)),
    "deep, of objects": json.dumps(deep_dict("q", width=WIDTH)),
    "never closed": "[" * MAX_NESTING + "x," * MAX_COMMAS,
    "lists in a list": "[" * (MAX_NESTING - 1) + "[x]" * ((MAX_BRACKETS - MAX_NESTING) // 2),
    "many small": "{action:x}\n" * (MAX_BRACKETS // 2),
    "quotation marks": '{"inner": [' + '"' * (MAX_QUOTES - 2),
    "long between marks": '{"inner": [' + ('"' + "x" * 60) * (MAX_QUOTES - 2),
    "backticks": '{"inner": [' + "`" * (MAX_QUOTES - 2),
    "fences": "```json\n[1]\n```\n" * (MAX_QUOTES // 6),
    "astray": "[[[" + "]a" * (MAX_ASTRAY + 3),
    "long": "{action: " + "x " * (MAX_BYTES // 2 - 10),
    "lines": "{" + "a:b\n" * (MAX_BYTES // 4 - 1),
    "comments": "{" + "/*x*/" * (MAX_BYTES // 5 - 1),
}


@pytest.mark.parametrize("text", WORST.values(), ids=WORST)
def test_the_worst_that_the_guard_lets_pass_is_read_quickly(compiled: Compiled, text: str) -> None:
    """Up to its own limits, what the guard lets pass is read in a fraction of a quarter second."""
    assert passes(text), "a case that the guard stops proves nothing"
    assert is_quick(compiled, text)


SIGNS = ["[", "]", "{", "}", '"', ":", ",", "\n", " ", "a", "1", "```json\n", "\\", "//", "/*"]
SIGNS += ["*/", "'", "`", '"""', "null", '"a":1,', '{"a":1}', "[1]", '"x"', "action:"]
OPENS = ["", '{"action":"', '{"inner":[', '{"numbers":{', '{"free":', "[[[", '{"node":{"kids":[']


def test_no_text_of_a_search_takes_long(compiled: Compiled) -> None:
    """Texts made of what the parser looks at, as large as they may be: none takes long."""
    draw = random.Random(5)
    for _ in range(100):
        piece = "".join(draw.choice(SIGNS) for _ in range(draw.randint(1, 5)))
        opened = draw.choice(OPENS)
        text = next(
            text
            for size in (30_000, 5_000, 1_000, 400, 200, 100, 50, 5, 0)
            if passes(text := opened + piece * (size // len(piece)))
        )
        assert is_quick(compiled, text), text[:200]


REFUSED = {
    "longer": "x" * (MAX_BYTES + 1),
    "longer than 32 kB": "é" * (MAX_BYTES // 2 + 1),
    "values": json.dumps([1] * (MAX_VALUES + 1)),
    "nested": "[" * (MAX_NESTING + 1) + "]" * (MAX_NESTING + 1),
    "no JSON.*brackets": "[] " * MAX_BRACKETS,
    "no JSON.*levels": "[" * (MAX_NESTING + 1),
    "no JSON.*close nothing": "}" * (MAX_ASTRAY + 1),
    "no JSON.*commas": "a," * (MAX_COMMAS + 1),
    "no JSON.*quotation marks": "'" * (MAX_QUOTES + 1),
}


@pytest.mark.parametrize(("words", "text"), REFUSED.items(), ids=REFUSED)
def test_what_is_refused_and_why(words: str, text: str) -> None:
    """Each limit is told in words for whoever wrote the text."""
    with pytest.raises(UnreadableError, match=words):
        guarded(text)


def test_strings_of_good_json_count_for_nothing() -> None:
    """Long prose with commas, brackets and quotation marks is fine inside proper JSON."""
    text = json.dumps({"action": "Well, [so] he said: 'yes', \"no\", `x`; " * 600})
    assert guarded(text) == text
    assert guarded(f"```json\n{text}\n```") == text
    assert guarded(f"\n```\n{text}\n```\n") == text


def test_the_deepest_that_may_be() -> None:
    """The limits themselves are let through."""
    for text in ("[" * MAX_NESTING + "]" * MAX_NESTING, json.dumps([1] * (MAX_VALUES - 1))):
        assert guarded(text) == text


@given(st.text(alphabet='[]{}",:ab1 \n`\\', max_size=200))
def test_any_text_is_judged(text: str) -> None:
    """Whatever comes, the guard gives a part of it or says why not."""
    with contextlib.suppress(UnreadableError):
        assert guarded(text) in text


def test_brackets_pair_by_kind() -> None:
    """Brackets pair by kind; one that closes nothing is astray and closes nothing."""
    assert nesting(list("[{}]")) == (2, 0)
    assert nesting(list("[}]")) == (1, 1)
    assert nesting(list("]][")) == (1, 2)
    assert nesting([]) == (0, 0)
