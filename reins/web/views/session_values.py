"""The values of a session's line: of its newest row, its snapshot and its configuration."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson

from agent_core.session.concerns import Concerned
from agent_core.session.mood import Cause, mood_of
from reins.web.views.budgets import held_row
from reins.web.views.rows import Row
from store.times import iso

_CUT_ERROR = 300  # characters
UNKNOWN = dict.fromkeys(("route", "conversation_id", "created_by"))
"""What `made` says, of a session that was never asked for here."""


def known(
    row: Row, snapshot: Mapping[str, Any], ticks: int, seq: int, concerned: Concerned | None
) -> dict[str, Any]:
    usage = snapshot.get("usage") or {}
    error = snapshot.get("error")
    lineage = snapshot.get("lineage") or {}
    return {
        "agent_id": row["agent_id"],
        "session_id": row["session_id"],
        "agent_type": snapshot.get("agent_type") or "",
        "status": str(snapshot["status"]),
        "mood": mood_of(snapshot),
        "cause": None if concerned is None else _cause_row(concerned.cause),
        "seq": seq,
        "ticks": ticks or 0,
        "error": None if error is None else error[:_CUT_ERROR],
        "failures": snapshot.get("failures", 0),
        "idle": bool(snapshot.get("idle")),
        "demonstration": bool(snapshot.get("demonstration")),
        "held": held_row(snapshot.get("held")),
        "waits": _waits_row(snapshot.get("waits")),
        "sameness": snapshot.get("sameness"),
        "created_at": snapshot.get("created_at"),
        "parent_session_id": lineage.get("parent"),
        "root_session_id": lineage.get("root"),
        "depth": lineage.get("depth", 0),
        "task": lineage.get("task") or None,
        "tokens_in": usage.get("tokens_in", 0),
        "tokens_out": usage.get("tokens_out", 0),
        "cost_usd": usage.get("cost_usd", 0.0),
    }


def _cause_row(cause: Cause) -> dict[str, Any]:
    """In the shape of `SessionCause`."""
    return {**asdict(cause), "since": iso(cause.since)}


def made(row: Row) -> dict[str, Any]:
    config = orjson.loads(row["config"] or "{}")
    return {
        "route": config.get("route"),
        "conversation_id": config.get("conversation_id"),
        "created_by": row["created_by"],
    }


def _waits_row(waits: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """In the shape of `Waits`, from a snapshot."""
    if waits is None:
        return None
    times = {name: iso(waits.get(name)) for name in ("since", "until")}
    return {"kind": waits["kind"], "reason": waits["reason"], **times}


def by_hand(row: Row) -> dict[str, Any]:
    """The columns of a state that stand for themselves, whatever the snapshot says."""
    names = ("agent_type", "status", "error", "created_at")
    return {name: row[name] for name in names if row[name] is not None}
