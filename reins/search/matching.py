"""Rows that are in no index yet: the same query, passage by passage."""

import re
import unicodedata
from typing import Any

import lancedb
import pyarrow as pa

from reins.search.query import Query

_WORD = re.compile(r"\w+")


def fitting(passages: pa.Table, query: Query, limit: int) -> list[dict[str, Any]]:
    """The passages that fit: those with most of the words first, then the newest."""
    if query.where and len(passages):
        passages = _filtered(passages, query.where)
    found = []
    for at, text in enumerate(passages["text"].to_pylist()):
        fits = _fit(_folded(text), query)
        if fits is not None:
            found.append((-fits, -at))
    return [passages.slice(-at, 1).to_pylist()[0] for _, at in sorted(found)[:limit]]


def _fit(text: str, query: Query) -> int | None:
    """How many of the words it has; None if it does not fit."""
    if any(_folded(words) in text for words in query.without):
        return None
    if not all(_folded(phrase) in text for phrase in query.phrases):
        return None
    words = {word for each in query.words for word in _WORD.findall(_folded(each))}
    had = sum(word in text for word in words)
    return had if had or not query.words else None


def _folded(text: str) -> str:
    """Without case, accents and forms of letters, as the index has it."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in plain if not unicodedata.combining(each))


def _filtered(passages: pa.Table, where: str) -> pa.Table:
    """By the same filter as the index: in memory LanceDB reads it as it does there."""
    held = lancedb.connect("memory://").create_table("tail", passages)
    return held.search().where(where).limit(None).to_arrow()
