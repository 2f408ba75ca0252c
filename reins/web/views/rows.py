"""Rows of the tables as the API and the rooms show them: plain JSON, times in ISO 8601."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from agent_core.session.status import Status
from store.times import iso

Row = Mapping[str, Any]
StatusName = Annotated[str, Field(json_schema_extra={"enum": [str(each) for each in Status]})]

_CUT_TEXT = 4_000  # characters
_CUT_PAYLOAD = 8_000  # characters of JSON
_CALL_PARTS = ("thought", "call", "outcome", "asks")
_CUT_PART = 600  # characters of a text in a call
_CUT_ITEMS = 20


class Wire(BaseModel):
    """A value on the wire: exactly these fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class LogRow(Wire):
    """One row of a session's log.

    `status` is the session's after it. `cut`: text or payload were shortened, or left out, for a
    stream or a brief list, calls of tools to what a line shows of them; the whole is at
    `/api/sessions/{session_id}/steps/{seq}`.
    """

    session_id: str
    agent_id: str
    seq: int
    step: int
    kind: str
    text: str
    payload: dict[str, Any] | None
    applied_actions: list[str]
    started_at: str | None
    created_at: str
    latency_ms: float | None
    tokens_in: int
    tokens_out: int
    cost_usd: float
    error: str | None
    status: StatusName
    cut: bool
    state: dict[str, Any] | None


class ActionRow(Wire):
    """One action of the queue; `latency_ms` is from its creation until it was processed."""

    action_id: str
    type: str
    agent_id: str | None
    session_id: str | None
    actor: str | None
    created_at: str
    urgency: int
    description: str | None
    payload: Any
    metadata: Any
    processed: bool
    processed_at: str | None
    outcome: Literal["queued", "applied", "rejected"]
    error: str | None
    applied_seq: int | None
    latency_ms: float | None


class Message(Wire):
    """One message of a conversation, numbered from 1 without gaps.

    An agent's has its `agent_id` and `session_id`, and in `metadata` what it says of itself, such
    as its tone; a person's has null there.
    """

    message_id: str
    conversation_id: str
    number: int
    author: str
    agent_id: str | None
    session_id: str | None
    text: str
    metadata: dict[str, Any] | None
    demonstration: bool
    created_at: str


def log_row(row: Row, *, brief: bool) -> dict[str, Any]:
    """A row of `agent_steps`, stored or journalled, in the shape of `LogRow`.

    `brief`: without the snapshot, and with a long text or payload cut.
    """
    snapshot = orjson.loads(row["state"])
    text, payload = row["text"], row["payload"]
    cut = brief and (len(text) > _CUT_TEXT or len(payload or "") > _CUT_PAYLOAD)
    if cut:
        text = text[:_CUT_TEXT]
        payload = _brief(payload)
    return {
        "session_id": row["session_id"],
        "agent_id": row["agent_id"],
        "seq": row["seq"],
        "step": row["step"],
        "kind": row["kind"],
        "text": text,
        "payload": None if payload is None else orjson.loads(payload),
        "applied_actions": orjson.loads(row["applied_actions"] or "[]"),
        "started_at": iso(row["started_at"]),
        "created_at": iso(row["created_at"]),
        "latency_ms": row["latency_ms"],
        "tokens_in": row["tokens_in"],
        "tokens_out": row["tokens_out"],
        "cost_usd": row["cost_usd"],
        "error": row["error"],
        "status": snapshot["status"],
        "cut": cut,
        "state": None if brief else snapshot,
    }


def _brief(payload: str | None) -> str | None:
    """The payload where it is short; of a call of a tool what a line of a list shows of it."""
    if payload is None or len(payload) <= _CUT_PAYLOAD:
        return payload
    found = orjson.loads(payload)
    if not isinstance(found, dict) or not isinstance(found.get("call"), dict):
        return None
    kept = {name: _shortened(found[name]) for name in _CALL_PARTS if name in found}
    text = orjson.dumps(kept).decode()
    return text if len(text) <= _CUT_PAYLOAD else None


def _shortened(value: Any) -> Any:
    """The same with long texts and lists cut, as far down as calls go."""
    if isinstance(value, str):
        return value[:_CUT_PART]
    if isinstance(value, list):
        return [_shortened(each) for each in value[:_CUT_ITEMS]]
    if isinstance(value, dict):
        return {name: _shortened(each) for name, each in value.items()}
    return value


def action_row(row: Row) -> dict[str, Any]:
    """A row of `queue` in the shape of `ActionRow`.

    Of one that was written by hand, what is not JSON stays a text, and a time left out is 1970.
    """
    return {
        "action_id": row["action_id"],
        "type": row["type"],
        "agent_id": row["agent_id"],
        "session_id": row["session_id"],
        "actor": row["actor"],
        "created_at": iso(row["created_at"] or 0),
        "urgency": row["urgency"] or 0,
        "description": row["description"],
        "payload": _json(row["payload"]),
        "metadata": _json(row["metadata"]),
        "processed": bool(row["processed"]),
        "processed_at": iso(row["processed_at"]),
        "outcome": row["outcome"] or "queued",
        "error": row["error"],
        "applied_seq": row["applied_seq"],
        "latency_ms": _between_ms(row["created_at"], row["processed_at"]),
    }


def message_row(row: Row) -> dict[str, Any]:
    """A row of `messages`, stored or journalled, in the shape of `Message`."""
    metadata = _json(row.get("metadata"))  # not there in tables that are not migrated yet
    metadata = metadata if isinstance(metadata, dict) else None
    return {
        "message_id": row["message_id"],
        "conversation_id": row["conversation_id"],
        "number": row["number"],
        "author": row["author"],
        "agent_id": row["agent_id"],
        "session_id": row.get("session_id"),
        "text": row["text"],
        "metadata": metadata,
        "demonstration": bool(metadata and metadata.get("demonstration")),
        "created_at": iso(row["created_at"]),
    }


def _json(text: str | None) -> Any:
    try:
        return None if text is None else orjson.loads(text)
    except orjson.JSONDecodeError:  # a row written by hand
        return text


def _between_ms(begun: datetime | None, ended: datetime | None) -> float | None:
    if begun is None or ended is None:
        return None
    return round((ended - begun).total_seconds() * 1_000, 3)
