"""How well a search finds answers: by words, by meaning and by both, with intervals."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from bench.questions import Question, documents, questions
from reins.llm import ModelRouter
from reins.llm.from_settings import model_settings
from reins.search.indexer import VectorsIndexer, WordsIndexer
from reins.search.query import read
from reins.search.resting import LOOK_S
from reins.search.searching import Hit, Searcher
from reins.settings import load_settings
from store.journal.file import Record
from store.store import Store

_FIRST = 5
"""Recall is of so many hits."""
_RESAMPLES = 2_000
_SEED = 19
_ROOM = "documents"


async def run(
    data: Path, *, made: int, of_people: int, documents_at_most: int | None = None
) -> dict[str, Any]:
    """Recall at 5 of each way of searching, over one index as a worker makes it.

    With `documents_at_most` the index has those that answer, and others up to so many.
    """
    asked = questions(_SEED, made, of_people)
    docs = documents()
    kept = dict.fromkeys(each.answer for each in asked) | dict.fromkeys(docs)
    names = [*kept][:documents_at_most]
    model = ModelRouter(model_settings(load_settings()))
    store = Store(data)
    await store.start()
    try:
        await model.start()
        await _indexed(store, model, [docs[name] for name in names])
        vectors = await model.embed([each.text for each in asked])
        found = await asyncio.to_thread(_found, Searcher(store.reader), asked, vectors)
    finally:
        await model.stop()
        await store.stop()
    right = {
        way: [each.answer in {names[n - 1] for n in numbers} for each, numbers in
              zip(asked, found[way], strict=True)]
        for way in found
    }  # fmt: skip
    return {"documents": len(names), "questions": len(asked), **_figures(asked, right)}


async def _indexed(store: Store, model: ModelRouter, texts: Sequence[str]) -> None:
    for number, text in enumerate(texts, 1):
        row = {
            "message_id": f"m{number}", "conversation_id": _ROOM, "number": number,
            "author": "docs", "agent_id": None, "session_id": None, "text": text, "metadata": None,
            "created_at": 1_700_000_000_000_000 + number,
        }  # fmt: skip
        await store.journal.append(Record("messages", orjson.dumps(row), _ROOM))
    words = WordsIndexer(store.reader, lambda: False)
    vectors = VectorsIndexer(store.reader, model, lambda: False)
    while await asyncio.to_thread(words.run_once) != LOOK_S:
        pass
    while await vectors.run_once() != LOOK_S:
        pass


def _found(
    searcher: Searcher, asked: Sequence[Question], vectors: Sequence[Sequence[float]]
) -> dict[str, list[list[int]]]:
    """The numbers of the first documents that each way of searching gives for each question."""
    now = datetime.now(UTC)
    ways: dict[str, Callable[[str, Sequence[float]], Sequence[Mapping[str, Any] | Hit]]] = {
        "words": lambda text, _: searcher.search(text, limit=_FIRST, now=now).hits,
        "meaning": lambda text, own: searcher._by_meaning(read(text, now), own, _FIRST)()[:_FIRST],
        "hybrid": lambda text, own: (
            searcher.search(text, limit=_FIRST, now=now, vector=lambda _text, _route: own).hits
        ),
    }
    found: dict[str, list[list[int]]] = {way: [] for way in ways}
    numbers = {
        row["n"]: row["number"]
        for row in searcher._words.each(lambda table: table.query().to_list())
    }
    for question, own in zip(asked, vectors, strict=True):
        for way, ask in ways.items():
            rows = [each.row if isinstance(each, Hit) else each for each in ask(question.text, own)]
            found[way].append([numbers[row["n"]] for row in rows])
    return found


def _figures(asked: Sequence[Question], right: Mapping[str, Sequence[bool]]) -> dict[str, Any]:
    by: dict[str, Any] = {way: _interval(each) for way, each in right.items()}
    better = max(("words", "meaning"), key=lambda way: by[way]["mean"])
    margin = [int(a) - int(b) for a, b in zip(right["hybrid"], right[better], strict=True)]
    people = [at for at, each in enumerate(asked) if each.by == "person"]
    return {
        "recall_at_5": by,
        "better_part": better,
        "times_the_better": round(by["hybrid"]["mean"] / by[better]["mean"], 4),
        "hybrid_over_better": _interval(margin),
        "of_people": {way: _interval([each[at] for at in people]) for way, each in right.items()},
    }


def _interval(values: Sequence[float]) -> dict[str, float]:
    """The mean, with the bounds between which 95 % of the means of resamples lie."""
    chance = random.Random(_SEED)
    means = sorted(
        sum(chance.choices(values, k=len(values))) / len(values) for _ in range(_RESAMPLES)
    )
    low, high = means[int(0.025 * _RESAMPLES)], means[int(0.975 * _RESAMPLES) - 1]
    mean = sum(values) / len(values)
    return {"mean": round(mean, 4), "low": round(low, 4), "high": round(high, 4)}
