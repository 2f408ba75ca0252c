"""Rows that are in no index yet: the same query, passage by passage."""

import re
import unicodedata
from typing import Any

import pyarrow as pa

from reins.search.query import Query

_WORD = re.compile(r"\w+")


def fitting(passages: pa.Table, query: Query, limit: int) -> list[dict[str, Any]]:
    """The passages that fit: those with most of the words first, then the newest."""
    if query.fits is not None:
        passages = passages.filter(query.fits)
    asked = _Asked(query)
    found = []
    for at, text in enumerate(passages["text"].to_pylist()):
        fits = asked.fit(_folded(text))
        if fits is not None:
            found.append((-fits, -at))
    return [passages.slice(-at, 1).to_pylist()[0] for _, at in sorted(found)[:limit]]


class _Asked:
    """The words of a query, folded once for all passages."""

    def __init__(self, query: Query) -> None:
        self._without = [_folded(words) for words in query.without]
        self._phrases = [_folded(phrase) for phrase in query.phrases]
        self._words = {word for each in query.words for word in _WORD.findall(_folded(each))}
        self._asks_words = bool(query.words)

    def fit(self, text: str) -> int | None:
        """How many of the words the folded text has; None if it does not fit."""
        if any(words in text for words in self._without):
            return None
        if not all(phrase in text for phrase in self._phrases):
            return None
        had = sum(word in text for word in self._words)
        return had if had or not self._asks_words else None


def _folded(text: str) -> str:
    """Without case, accents and forms of letters, as the index has it."""
    plain = text.casefold()
    if plain.isascii():  # most are, and the rest takes twenty times as long
        return plain
    plain = unicodedata.normalize("NFKD", plain)
    return "".join(each for each in plain if not unicodedata.combining(each))
