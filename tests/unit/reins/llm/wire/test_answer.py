"""Whatever JSON a server sends, reading it raises nothing and makes up no text."""

from unittest.mock import patch

import orjson
from hypothesis import given
from hypothesis import strategies as st

from reins.llm.wire.answer import Answer

NAMES = st.sampled_from([
    "choices", "message", "delta", "content", "text", "type", "index", "finish_reason", "usage",
    "tool_calls", "function", "name", "reasoning", "refusal", "candidates", "parts", "thought",
    "promptFeedback", "blockReason", "output", "response", "done", "error", "summary", "thinking",
    "reasoning_details", "stop_reason", "functionCall", "function_call", "base_resp",
])  # fmt: skip
WORDS = st.sampled_from([
    "word", "text", "thinking", "message", "content_block_delta", "message_delta", "tool_use",
    "error", "stop", "reasoning", "output_text", "refusal",
])  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=30,
)


@given(JSON)
def test_any_body_is_read(value: object) -> None:
    """As a body."""
    answer = Answer()
    answer.body(orjson.dumps(value))
    told = answer.text + answer.thought + answer.lack + answer.stray
    assert len(told) < 4_000
    assert isinstance(answer.is_refused, bool)


@given(st.lists(st.dictionaries(NAMES, JSON, max_size=4), max_size=4))
def test_any_events_are_read(values: list[dict]) -> None:
    """And as the events of a stream."""
    answer = Answer()
    for value in values:
        answer.event(orjson.dumps(value))
    answer.flush()
    assert answer.events == len(values)
    assert answer.chars >= len(answer.text)


PIECES = st.fixed_dictionaries(
    {
        "choices": st.lists(
            st.fixed_dictionaries(
                {"delta": st.fixed_dictionaries({"content": WORDS | st.just("")})},
                optional={
                    "index": st.sampled_from([0, 1, None, "0"]),
                    "finish_reason": st.sampled_from([None, "stop", ""]),
                    "logprobs": st.none(),
                    "error": JSON,
                },
            ),
            max_size=2,
        )
    },
    optional={
        "id": WORDS,
        "object": st.sampled_from(["chat.completion.chunk", "error"]),
        "model": WORDS,
        "usage": st.none() | st.just({"completion_tokens": 3}),
        "error": JSON,
        "x_groq": JSON,
    },
)


@given(st.lists(PIECES, max_size=4))
def test_the_short_way_reads_like_the_long_one(values: list[dict]) -> None:
    """The usual event of a stream is taken in at a glance, and says the same."""
    short, long = Answer(), Answer()
    for value in values:
        short.event(orjson.dumps(value))
    with patch("reins.llm.wire.answer.piece_in", return_value=None):
        for value in values:
            long.event(orjson.dumps(value))
    for answer in (short, long):
        answer.flush()
    told = [
        (a.said, a.chars, a.complete, a.ended, a.counted, a.is_known, a.stray, a.finish_reason,
         a.fault, a.usage, a.events, a.corrupt, a.lack)
        for a in (short, long)
    ]  # fmt: skip
    assert told[0] == told[1]
