"""Memories that are to the point: by words and by meaning in one order, within a budget."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import orjson

from reins.mind.memories import Memories, Memory, Scope

_TELLING = {"words": 0.05, "meaning": 0.5}
"""Scores from which on a way of searching is said to have found a text."""
_ALIKE = 1e-6
_K1, _B = 1.2, 0.75
"""Robertson and Zaragoza, 2009: how soon a word counts no more, and how much a long text loses."""
SHARES: Mapping[Scope, float] = {"session": 0.5, "agent": 0.25, "shared": 0.25}
"""Of a budget, for each scope; the most relevant of all get what a scope leaves of its own."""
_PLURAL_CHARS = 4
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Cue:
    """A text of the work at hand by which memories are looked for; `part` is what of it it is."""

    part: str
    text: str


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a text fits: `score` from 0 to 1, `by` words, meaning or both, to which cue.

    `place` is the text's among those that were looked through.
    """

    place: int
    score: float = 0.0
    by: tuple[str, ...] = ()
    cue: str = ""


def ranked(
    cues: Sequence[Cue], texts: Sequence[str], likeness: Sequence[Sequence[float]] | None
) -> list[Fit]:
    """All texts, the best first, those that fit alike in their order.

    `likeness` is how like each text is to each cue; None where it is not known. A score is the mean
    of that by words and that by meaning: of texts that all are at hand it tells more than places in
    two orders do, where one word that all have makes a first place ([Bruch et al., TOIS 2023]
    (https://doi.org/10.1145/3596512)). A text's score is that of the cue that it fits best, so that
    each part of the work finds what it needs.
    """
    best = [Fit(place) for place in range(len(texts))]
    for number, cue in enumerate(cues):
        ways = {"words": word_scores(cue.text, texts)}
        if likeness is not None:
            ways["meaning"] = _spread(likeness[number])
        for place in range(len(texts)):
            score = sum(scores[place] for scores in ways.values()) / len(ways)
            if score > best[place].score:
                by = tuple(way for way, scores in ways.items() if scores[place] >= _TELLING[way])
                best[place] = Fit(place, score, by, cue.part)
    return sorted(best, key=lambda fit: -fit.score)


def found_by_words(
    memories: Memories, about: str, at: int, scope: Scope | None, limit: int
) -> dict[str, Memory]:
    """The memories that fit by words, the best first, by key: the same whenever it is asked."""
    every = [*memories.recall_all("", at, scope).values()]
    fits = ranked([Cue("about", about)], [text_of(each) for each in every], None)
    return {every[fit.place].key: every[fit.place] for fit in fits[:limit] if fit.by}


def text_of(memory: Memory) -> str:
    """The text of a memory as the index of the search has it."""
    value = "" if memory.elsewhere else orjson.dumps(memory.value).decode()
    return f"{memory.key}: {value}"


def _spread(likeness: Sequence[float]) -> list[float]:
    """The same from 0 to 1: embeddings differ in how like they find any two texts."""
    least, most = min(likeness, default=0.0), max(likeness, default=0.0)
    if most - least < _ALIKE:
        return [max(0.0, each) for each in likeness]
    return [(each - least) / (most - least) for each in likeness]


def word_scores(query: str, texts: Sequence[str]) -> list[float]:
    """BM25 of each text, 1 for one of usual length that has each of the words; 0 for none."""
    known = [words_of(text) for text in texts]
    mean = sum(found.total() for found in known) / max(1, len(known)) or 1.0
    weights = {}
    for word in words_of(query):
        having = sum(word in found for found in known)
        weights[word] = math.log(1 + (len(known) - having + 0.5) / (having + 0.5))
    whole = sum(weights.values())
    return [_bm25(weights, found, found.total() / mean) / whole if whole else 0.0
            for found in known]  # fmt: skip


def _bm25(weights: Mapping[str, float], found: "Counter[str]", length: float) -> float:
    score = sum(
        weight * found[word] * (_K1 + 1) / (found[word] + _K1 * (1 - _B + _B * length))
        for word, weight in weights.items()
        if word in found
    )
    return min(score, sum(weights.values()))


@lru_cache(maxsize=4_096)  # memories change seldom, and are looked through at each thought
def words_of(text: str) -> "Counter[str]":
    """The words of a text with their numbers, without case, accents and plain plurals."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    return Counter(_stem(word) for word in _WORD.findall(plain) if len(word) > 1)


def _stem(word: str) -> str:
    is_plural = len(word) >= _PLURAL_CHARS and word.endswith("s") and not word.endswith("ss")
    return word[:-1] if is_plural else word


def within(
    order: Sequence[tuple[Scope, int]], budget_bytes: int, shares: Mapping[Scope, float] = SHARES
) -> list[int]:
    """The places of those that are told, in their order: scope and bytes of each are given, the
    most relevant first. Each scope fills its share first; what is left goes to whichever comes
    first.
    """
    room = {scope: share * budget_bytes for scope, share in shares.items()}
    left, told = budget_bytes, set[int]()
    for place, (scope, size) in enumerate(order):
        if size <= room[scope]:
            room[scope] -= size
            left -= size
            told.add(place)
    for place, (_, size) in enumerate(order):
        if place not in told and size <= left:
            left -= size
            told.add(place)
    return sorted(told)
