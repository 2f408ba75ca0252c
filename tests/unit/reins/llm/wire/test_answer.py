"""Whatever JSON a server sends, reading it raises nothing and makes up no text."""

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
