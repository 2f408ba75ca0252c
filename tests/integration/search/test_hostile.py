"""Queries that are to break out of what they are: a value stays a value, a word a word."""

import contextlib

import pytest

from reins.search.index import DAMAGED
from store.finding.query import QueryError
from tests.integration.search.test_search import TEXTS, brought_up, data, filled, indexer, search
from tests.integration.search.test_search import texts as texts_of

__all__ = ["data"]
VALUES = (
    "x' OR '1'='1", "x'; DROP TABLE words; --", "' UNION SELECT 1 --", "x') OR (true", "%", "_",
    "fin*", "finn' --", "\\'", "finn\\", "` OR true", "x' OR contains(text, 'tea') OR 'a'='b",
)  # fmt: skip
FIELDS = ("agent", "session", "type", "conversation", "by", "kind")
WORDS = (
    "\"' OR true --\"", "-\"' OR true --\" agent:finn", "\"price 'of' tea\"", "-tea' agent:finn",
    "\x00", "tea\x00", "\x1b[31m", "\u202e\u2066tea\u2069", "a" + "\u0301" * 900, "\ufdfa" * 300,
    "\U000e0041" * 400, "(" * 900, '"' * 999, "-" * 900, "- - -", ":", "agent", "a:" * 400,
    "\u6771" * 900, "\u0130STANBUL", "\u00df", "(?:a+)+$", ".*.*.*.*.*x", "tea~9999", "tea^1e308",
    "*:*", "text:(a OR b)", "{!lucene}tea", "1/0", "NaN", "null", "true",
    "cost>" + "9" * 400, "cost>1e999", "cost>nan", "since:99999999999999h", "since:-5h",
    "since:0000-00-00", "until:25:99", "seq>1", "source:'", "kind:", "agent:", "since:",
)  # fmt: skip
TEA = ("\U0001d4fd\U0001d4ee\U0001d4ea", "\uff54\uff45\uff41", "t\u00eb\u00e4", "te\u0308a", "TEA")
"""One word, as keyboards and systems write it."""


def is_damaged(store):
    """True if a search has called the index damaged, which has it made anew."""
    return (store.folder.path / "search" / DAMAGED).exists()


@pytest.mark.parametrize("indexed", [True, False])
async def test_a_value_is_compared_as_it_stands(store, indexed):
    """None of them is a filter of its own, in any field, turned round or not."""
    await filled(store)
    if indexed:
        await brought_up(indexer(store))
    for value in VALUES:
        for field in FIELDS if indexed else FIELDS[:1]:
            assert texts_of(await search(store, f'{field}:"{value}"')) == [], (field, value)
        others = await search(store, f'-agent:"{value}" agent:finn', limit=50)
        assert len(others.hits) == len(TEXTS), value


@pytest.mark.parametrize("indexed", [True, False])
async def test_a_word_is_a_word(store, indexed):
    """It finds what has it, or nothing, or is refused in words; the index stays as it is."""
    await filled(store)
    if indexed:
        await brought_up(indexer(store))
    for query in WORDS:
        with contextlib.suppress(QueryError):
            assert len((await search(store, query, limit=50)).hits) <= len(TEXTS) + 1, query
        assert not is_damaged(store), query
    assert texts_of(await search(store, "doubled")) == [TEXTS[0]]


@pytest.mark.parametrize("indexed", [True, False])
async def test_letters_of_any_form_are_those_letters(store, indexed):
    """In a query as in a text."""
    await filled(store)
    if indexed:
        await brought_up(indexer(store))
    for query in TEA:
        assert TEXTS[0] in texts_of(await search(store, query)), ascii(query)


async def test_a_row_that_is_none_is_refused(store):
    """With what was given and what would be right."""
    await filled(store)
    for like in (
        "", ":", ":1", "s", "s:", "s:-1", "s:1 OR true", "s:" + "9" * 400, "s' OR '1'='1:1",
        "\x00:1", "s:0", "s:1e3", "\ud800:1",
    ):  # fmt: skip
        with pytest.raises(QueryError, match="like is "):
            await search(store, "", like=like)


async def test_many_values_are_one_filter(store):
    """As many as there is room for."""
    await filled(store)
    await brought_up(indexer(store))
    query = "agent:" + ",".join(f"a{n}" for n in range(200)) + ",finn"
    assert len(texts_of(await search(store, query, limit=50))) == len(TEXTS)


async def test_half_a_character_is_refused(store):
    """No text that is stored has one, and no index is damaged because somebody asks for it."""
    await filled(store)
    await brought_up(indexer(store))
    for query in ("tea \ud800", 'agent:"\udfff"'):
        with pytest.raises(QueryError, match="half a character"):
            await search(store, query)
    assert not is_damaged(store)
