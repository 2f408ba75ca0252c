"""The answer to a search: hits by session or conversation, and how current they are."""

from collections.abc import Sequence
from typing import Any

from reins.search.searching import Found, Hit
from store.times import iso

MOST_CHARS = 500
"""Of a hit's text that are given; the row has the rest."""


def grouped(found: Found) -> dict[str, Any]:
    """Shapes: `groups`, best first, each of one session, conversation or document, with its `hits`;
    `behind`, rows that were not searched; `by_meaning`.
    """
    groups: dict[tuple[str | None, str | None, str | None], list[Hit]] = {}
    for hit in found.hits:
        row = hit.row
        talk, document_id = row["conversation_id"], row["document_id"]
        own = (None if talk else row["session_id"], talk, document_id)
        groups.setdefault(own, []).append(hit)
    return {
        "groups": [_group(*own, hits) for own, hits in groups.items()],
        "behind": found.behind,
        "by_meaning": found.by_meaning,
    }


def _group(
    session_id: str | None,
    conversation_id: str | None,
    document_id: str | None,
    hits: Sequence[Hit],
) -> dict[str, Any]:
    first = hits[0].row
    of_session = session_id is not None
    return {
        "session_id": session_id,
        "conversation_id": conversation_id,
        "document_id": document_id,
        "agent_id": first["agent_id"] if of_session else None,
        "agent_type": first["agent_type"] if of_session else None,
        "score": round(hits[0].score, 6),
        "hits": [shown(hit) for hit in hits],
    }


def shown(hit: Hit) -> dict[str, Any]:
    """One hit as JSON has it."""
    row = hit.row
    return {
        "source": row["source"],
        "session_id": row["session_id"],
        "kind": row["kind"],
        "number": row["number"],
        "place": row["place"],
        "actor": row["actor"],
        "at": iso(row["at"]),
        "cost_usd": row["cost_usd"],
        "text": row["text"][:MOST_CHARS],
        "by": list(hit.by),
        "score": round(hit.score, 6),
    }
