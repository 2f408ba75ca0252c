"""The answer to a search: hits by session or conversation, and how current they are."""

from collections.abc import Sequence
from typing import Any

from reins.search.nearby import place_of, rows_nearby
from reins.search.searching import Found, Hit
from store.reading import Reader
from store.times import iso

MOST_CHARS = 500
"""Of a hit's text that are given; the row has the rest."""


def grouped(found: Found, *, around: int = 0, store: Reader) -> dict[str, Any]:
    """Shapes: `groups`, best first, each of one session or conversation, with its `hits` in order;
    `behind`, rows that were not searched; `by_meaning`; `indexed`.

    `around`: each hit has so many rows from before and after it in `nearby`.
    """
    groups: dict[tuple[str | None, str | None], list[Hit]] = {}
    for hit in found.hits:
        row = hit.row
        own = (
            (None, row["conversation_id"]) if row["conversation_id"] else (row["session_id"], None)
        )
        groups.setdefault(own, []).append(hit)
    beside = rows_nearby((hit.row for hit in found.hits), around, store) if around else {}
    return {
        "groups": [_group(*own, hits, beside) for own, hits in groups.items()],
        "behind": found.behind,
        "by_meaning": found.by_meaning,
        "indexed": found.indexed,
    }


def _group(
    session_id: str | None, conversation_id: str | None, hits: Sequence[Hit], beside: Any
) -> dict[str, Any]:
    first = hits[0].row
    of_session = session_id is not None
    return {
        "session_id": session_id,
        "conversation_id": conversation_id,
        "agent_id": first["agent_id"] if of_session else None,
        "agent_type": first["agent_type"] if of_session else None,
        "score": round(hits[0].score, 6),
        "hits": [
            {**shown(hit), "nearby": beside.get((place_of(hit.row), hit.row["number"]), [])}
            for hit in hits
        ],
    }


def shown(hit: Hit) -> dict[str, Any]:
    """One hit as JSON has it."""
    row = hit.row
    return {
        "source": row["source"],
        "session_id": row["session_id"],
        "kind": row["kind"],
        "number": row["number"],
        "actor": row["actor"],
        "at": iso(row["at"]),
        "cost_usd": row["cost_usd"],
        "text": row["text"][:MOST_CHARS],
        "by": list(hit.by),
        "score": round(hit.score, 6),
    }
