"""Tokens are counted alike, however a provider spells them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.llm.wire.usage import Usage, usage_in

OPENAI = {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107}
ANTHROPIC = {"input_tokens": 40, "output_tokens": 7}
GOOGLE = {"promptTokenCount": 100, "candidatesTokenCount": 7}
SPELLINGS: dict[str, dict[str, Any]] = {
    "OpenAI, xAI, Groq, vLLM": {**OPENAI, "prompt_tokens_details": {"cached_tokens": 60}},
    "OpenAI responses": {
        "input_tokens": 100,
        "output_tokens": 7,
        "input_tokens_details": {"cached_tokens": 60},
    },
    "DeepSeek": {**OPENAI, "prompt_cache_hit_tokens": 60, "prompt_cache_miss_tokens": 40},
    "Moonshot, Together": {**OPENAI, "cached_tokens": 60},
    "Mistral": {**OPENAI, "num_cached_tokens": 60},
    "Anthropic": {**ANTHROPIC, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 0},
    "Anthropic, written": {
        "input_tokens": 10,
        "output_tokens": 7,
        "cache_read_input_tokens": 60,
        "cache_creation_input_tokens": 30,
    },
    "Bedrock": {"inputTokens": 40, "outputTokens": 7, "cacheReadInputTokens": 60},
    "Google": {**GOOGLE, "cachedContentTokenCount": 60},
    "Google, thinking": {
        "promptTokenCount": 100,
        "candidatesTokenCount": 3,
        "thoughtsTokenCount": 4,
        "cachedContentTokenCount": 60,
    },
    "Anthropic behind LiteLLM": {
        **OPENAI,
        "cache_read_input_tokens": 60,
        "cache_creation_input_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 0},
    },
    "numbers as texts": {
        "prompt_tokens": "100",
        "completion_tokens": 7.0,
        "prompt_tokens_details": {"cached_tokens": "60"},
    },
}


@pytest.mark.parametrize("given_usage", SPELLINGS.values(), ids=SPELLINGS)
def test_cached_tokens_are_read_in_every_spelling(given_usage: dict[str, Any]) -> None:
    """The tokens sent, with those that were cached among them, and those of the answer."""
    usage = Usage()
    usage.read(given_usage)
    assert (usage.sent, usage.answered, usage.cached) == (100, 7, 60)
    assert usage.is_known


def test_nothing_counted_is_told_from_none() -> None:
    """Null, a list, an empty object and words count nothing; 0 is counted."""
    for nothing in (None, [], {}, "x", {"prompt_tokens": None}, {"prompt_tokens": "many"}):
        usage = Usage()
        usage.read(nothing)
        assert not usage.is_known
    usage.read({"prompt_tokens": 0, "completion_tokens": 0})
    assert usage.is_known


def test_the_later_number_counts() -> None:
    """Anthropic's stream counts what was sent first, and its answer in the end."""
    usage = Usage()
    usage.read({"input_tokens": 40, "output_tokens": 1, "cache_read_input_tokens": 60})
    usage.read({"output_tokens": 7})
    assert (usage.sent, usage.answered, usage.cached) == (100, 7, 60)


PLACES = {
    "beside the choices": {"usage": OPENAI},
    "Google": {"usageMetadata": GOOGLE},
    "Anthropic's first event": {"type": "message_start", "message": {"usage": OPENAI}},
    "Groq's stream": {"choices": [], "x_groq": {"id": "r", "usage": OPENAI}},
    "Moonshot's stream": {"choices": [{"delta": {}, "usage": OPENAI}]},
}


@pytest.mark.parametrize("body", PLACES.values(), ids=PLACES)
def test_usage_is_found_where_it_stands(body: dict[str, Any]) -> None:
    """Providers put it in different places."""
    usage = Usage()
    usage.read(usage_in(body))
    assert (usage.sent, usage.answered) == (100, 7)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["usage", "prompt_tokens", "input_tokens", "cached_tokens", "choices", "message",
                 "prompt_tokens_details", "cache_read_input_tokens", "thoughtsTokenCount"]
            ),
            inner,
        )
    ),
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["usage", "usageMetadata", "choices", "message"]), JSON))
def test_reading_never_raises(body: dict[str, Any]) -> None:
    """Whatever stands there, a count is a number that is not negative, or none."""
    usage = Usage()
    usage.read(usage_in(body))
    for count in (usage.sent, usage.answered, usage.cached):
        assert count is None or count >= 0
