"""The answer to a search: hits by session or conversation, and how current they are."""

import re
from collections.abc import Sequence
from typing import Any

from reins.search.nearby import place_of, rows_nearby
from reins.search.searching import Found, Hit
from store.reading import Reader
from store.times import iso

MOST_CHARS = 500
"""Of a hit's text that are given; the row has the rest."""
_BEFORE = 120
"""Characters before the word."""
Shown = dict[str, Any]


def grouped(found: Found, *, around: int = 0, store: Reader) -> dict[str, Any]:
    """Shapes: `groups`, best first, each of one session, conversation or document, with its `hits`
    in order; `behind`, rows that were not searched; `by_meaning`; `indexed`.

    `around`: each hit has so many rows from before and after it in `nearby`.
    """
    groups: dict[tuple[str | None, str | None, str | None], list[tuple[Hit, Shown]]] = {}
    for hit, as_shown in zip(found.hits, listed(found, around=around, store=store), strict=True):
        row = hit.row
        talk, document_id = row["conversation_id"], row["document_id"]
        own = (None if talk else row["session_id"], talk, document_id)
        groups.setdefault(own, []).append((hit, as_shown))
    return {
        "groups": [_group(*own, hits) for own, hits in groups.items()],
        "behind": found.behind,
        "by_meaning": found.by_meaning,
        "indexed": found.indexed,
    }


def listed(found: Found, *, around: int = 0, store: Reader) -> list[Shown]:
    """All hits in one list, in their order."""
    beside = rows_nearby((hit.row for hit in found.hits), around, store) if around else {}
    return [
        {
            **shown(hit, found.words),
            "nearby": beside.get(place_of(hit.row), []),
        }
        for hit in found.hits
    ]


def _group(
    session_id: str | None,
    conversation_id: str | None,
    document_id: str | None,
    hits: Sequence[tuple[Hit, Shown]],
) -> dict[str, Any]:
    first, best = hits[0]
    of_session = session_id is not None
    return {
        "session_id": session_id,
        "conversation_id": conversation_id,
        "document_id": document_id,
        "agent_id": first.row["agent_id"] if of_session else None,
        "agent_type": first.row["agent_type"] if of_session else None,
        "score": best["score"],
        "hits": [as_shown for _, as_shown in hits],
    }


def shown(hit: Hit, words: Sequence[str] = ()) -> Shown:
    """One hit as JSON has it; of a long text the part in which a word stands."""
    row = hit.row
    return {
        "source": row["source"],
        "session_id": row["session_id"],
        "conversation_id": row["conversation_id"],
        "kind": row["kind"],
        "number": row["number"],
        "document_id": row["document_id"],
        "place": row["place"],
        "actor": row["actor"],
        "at": iso(row["at"]),
        "cost_usd": row["cost_usd"],
        "action_id": row["action_id"],
        "text": excerpt(row["text"], words),
        "by": list(hit.by),
        "score": round(hit.score, 6),
    }


def excerpt(text: str, words: Sequence[str], most: int = MOST_CHARS) -> str:
    """The text's beginning, or the part around the first of the words that stands beyond that."""
    if len(text) <= most:
        return text
    sought = "|".join(re.escape(word) for word in words if word)
    found = re.search(sought, text, re.IGNORECASE) if sought else None
    if found is None or found.end() < most:
        return f"{text[: most - 1]}…"
    begin = max(0, min(found.start() - _BEFORE, len(text) - most))
    part = text[begin : begin + most]
    return f"…{part[1:]}" if begin + most == len(text) else f"…{part[1:-1]}…"
