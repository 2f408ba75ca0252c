"""Rows of evidence and memories, folded to what the API shows. Brings `reins.mind` along: 50 ms."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from reins.mind import (
    Belief,
    Claim,
    Evidence,
    Row,
    Undo,
    contradictions,
    evidence_from,
    fold,
    history,
    undone,
)
from store.times import iso

Stored = Mapping[str, Any]
_LINEAGE = ("seq", "call_id", "message_id", "document", "actor")
_BELIEF = (
    "claim", "probability", "log_odds", "support", "opposition", "contested", "uncertain", "pieces",
)  # fmt: skip
_EVIDENCE = ("evidence_id", "p_if_true", "p_if_false", "reliability", "source", "text", *_LINEAGE)
_MEMORY = (
    "memory_id", "kind", "session_id", "agent_id", "scope", "key", "version", "source", "restores",
    *_LINEAGE,
)  # fmt: skip


def claims_in(config: str) -> list[Claim]:
    """The claims that a session's configuration declares."""
    found = orjson.loads(config).get("claims", ())
    return [
        Claim(**{name: each[name] for name in each if name not in ("reliability", "excludes")},
              excludes=tuple(each.get("excludes", ())))
        for each in found
    ]  # fmt: skip


def contradictions_shown(
    rows: Sequence[Stored], at: int, claims: Sequence[Claim]
) -> list[dict[str, Any]]:
    """The pairs of claims that cannot both be true and are both believed at a moment."""
    return [
        {"one": each.one.claim, "other": each.other.claim, "rule": each.rule, "stands": each.stands}
        for each in contradictions(fold(evidence_from(rows), claims), at)
    ]


def beliefs_shown(
    rows: Sequence[Stored],
    at: int,
    *,
    most_evidence: int,
    points: int,
    claims: Sequence[Claim] = (),
) -> list[dict[str, Any]]:
    """Each claim of a session's life at a moment, the one with the newest evidence first, then
    those that are declared and have none.
    """
    known = evidence_from(rows)
    beliefs, gone = fold(known, claims), _undone_by(known)
    pieces: dict[str, list[tuple[Stored, Evidence]]] = {}
    for row, piece in zip(rows, known, strict=True):
        if isinstance(piece, Evidence):
            pieces.setdefault(piece.claim, []).append((row, piece))
    found = [beliefs.belief(name, at) for name in (*pieces, *beliefs.claims.keys() - pieces.keys())]
    return [
        {
            **_belief(belief),
            "evidence": [
                _evidence(row, piece, gone.get(piece.id))
                for row, piece in pieces.get(belief.claim, [])[-most_evidence or len(rows) :]
            ],
            "points": [
                {"at": iso(point.at), "probability": point.probability}
                for point in history(beliefs.claim(belief.claim), known, at, most=points)
            ],
        }
        for belief in sorted(found, key=lambda each: each.last_at or 0, reverse=True)
    ]


def _undone_by(known: Sequence[Row]) -> dict[str, str]:
    """The undo in force by the id of each row that it takes back."""
    back = undone(known)
    undos = [row for row in known if isinstance(row, Undo) and row.id not in back]
    return {each: row.id for row in undos for each in row.undoes}


def _belief(belief: Belief) -> dict[str, Any]:
    return {
        **{name: getattr(belief, name) for name in _BELIEF},
        "last_at": iso(belief.last_at),
    }


def _evidence(row: Stored, piece: Evidence, undone_by: str | None) -> dict[str, Any]:
    return {
        **{name: row[name] for name in _EVIDENCE},
        "at": iso(row["at"]),
        "weight": piece.weight,
        "undone_by": undone_by,
    }


def memory_shown(row: Stored, *, held: bool) -> dict[str, Any]:
    """One version; `held`: no other version has come after it, and it is recalled."""
    return {
        **{name: row[name] for name in _MEMORY},
        "seq": row["seq"] or 0,
        "value": None if row["value"] is None else orjson.loads(row["value"]),
        "held": held,
        "at": iso(row["at"]),
        "expires_at": iso(row["expires_at"]),
    }
