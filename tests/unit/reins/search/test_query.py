"""A search as people write it, as the index is asked for it."""

from datetime import UTC, datetime

import pytest

from reins.search.query import Query, read
from store.finding.query import QueryError

NOW = datetime(2026, 11, 30, 12, 30, tzinfo=UTC)


def asked(text):
    return read(text, NOW)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", Query()),
        ("doubt price", Query(words=("doubt", "price"))),
        ('"the price" doubt', Query(words=("doubt",), phrases=("the price",))),
        ('tea -milk -"two sugars"', Query(words=("tea",), without=("milk", "two sugars"))),
        ("http://x/y", Query(words=("http://x/y",))),
        ("text:kind", Query(words=("kind",))),
    ],
)
def test_words(text, query):
    """Plain words, phrases, and what a text must not have."""
    assert asked(text) == query


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("agent:finn", "(agent_id IS NOT NULL AND agent_id IN ('finn'))"),
        ("type:joke,task", "(agent_type IS NOT NULL AND agent_type IN ('joke', 'task'))"),
        ('by:"o\'hara"', "(actor IS NOT NULL AND actor IN ('o''hara'))"),
        ("-session:a", "NOT (session_id IS NOT NULL AND session_id IN ('a'))"),
        ("kind:said", "(kind IS NOT NULL AND kind IN ('tick', 'final', 'message'))"),
        ("source:messages", "(source IS NOT NULL AND source IN ('message'))"),
        ("cost>0.01", "(coalesce(cost_usd, 0) > 0.01)"),
        ("since:2h", "(at >= timestamp '2026-11-30 10:30:00.000000')"),
        ("since:13:00", "(at >= timestamp '2026-11-29 13:00:00.000000')"),
        ("until:2026-11-29T03:50", "(at <= timestamp '2026-11-29 03:50:00.000000')"),
    ],
)
def test_filters(text, where):
    """Fields with their values, quoted for the index; a time of day is the newest one."""
    assert asked(text) == Query(where=where)
    assert asked(f"tea {text}") == Query(words=("tea",), where=where)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("source:mail", "source is 'mail'; expected some of step, message, memory, session"),
        ("agent:,", "agent: is given no value"),
        ("took>5s", "takes no took>"),
        ("changed:subject", "takes no changed:"),
        ("since:yesterday", "is no time"),
        ("x" * 1_001, "1001 characters; expected 1000 at the most"),
        ("a " * 51, "51 parts; expected 50 at the most"),
    ],
)
def test_what_cannot_be_meant_is_refused(text, said):
    """With what would be right."""
    with pytest.raises(QueryError, match=said):
        asked(text)
