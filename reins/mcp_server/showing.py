"""Rows as an assistant reads them: short, with times in ISO 8601, and nothing that says nothing."""

from collections.abc import Mapping
from typing import Any

import orjson

from store.demonstration import is_marked
from store.times import iso

Row = Mapping[str, Any]
_LINE_CHARS = 300
_TEXT_CHARS = 4_000
_PAYLOAD_CHARS = 4_000


def session_line(row: Row) -> dict[str, Any]:
    """A row of `agent_state` in a line."""
    waits = _json(row["waits"])
    return _told(
        session_id=row["session_id"],
        agent_id=row["agent_id"],
        agent_type=row["agent_type"],
        status=row["status"],
        ticks=row["iteration"],
        latest=cut(row["result"], _LINE_CHARS),
        demonstration=(_json(row["snapshot"]) or {}).get("demonstration"),
        error=cut(row["error"], _LINE_CHARS),
        waits_for=None if waits is None else f"{waits['kind']}: {waits['reason']}",
        updated_at=iso(row["updated_at"]),
    )


def session_detail(row: Row) -> dict[str, Any]:
    """A row of `agent_state` in full."""
    usage = (_json(row["snapshot"]) or {}).get("usage") or {}
    return {
        **session_line(row),
        **_told(
            result=cut(row["result"], _TEXT_CHARS),
            error=cut(row["error"], _TEXT_CHARS),
            state=_part(row["context"]),
            last_seq=(_json(row["history"]) or {}).get("seq"),
            tokens_in=usage.get("tokens_in"),
            tokens_out=usage.get("tokens_out"),
            cost_usd=usage.get("cost_usd"),
            created_at=iso(row["created_at"]),
        ),
    }


def log_line(row: Row) -> dict[str, Any]:
    """A row of `agent_steps`; long texts and payloads are cut."""
    return _told(
        seq=row["seq"],
        kind=row["kind"],
        at=iso(row["created_at"]),
        text=cut(row["text"], _TEXT_CHARS),
        error=cut(row["error"], _TEXT_CHARS),
        payload=_part(row["payload"]),
        applied_actions=_json(row["applied_actions"]),
    )


def item_line(row: Row) -> dict[str, Any]:
    """A row of `inbox`: whole arguments, since nobody may approve what was cut."""
    return _told(
        **{name: row[name] for name in _ITEM_AS_IT_IS},
        args=_json(row["args"]),
        reasons=_json(row["reasons"]),
        thought=cut(row["thought"], _TEXT_CHARS),
        preview=_part(row["preview"]),
        final_args=_json(row["final_args"]),
        asked_at=iso(row["asked_at"]),
        expires_at=iso(row["expires_at"]),
    )


_ITEM_AS_IT_IS = (
    "item_id", "kind", "session_id", "agent_id", "agent_type", "tool", "call_hash", "risk", "state",
    "decided_by", "decision", "reason", "answer", "rule_id", "outcome_seq",
)  # fmt: skip


def rule_line(row: Row) -> dict[str, Any]:
    """A row of `approval_rules`."""
    names = ("rule_id", "effect", "scope", "scope_id", "tool", "item_id", "created_by")
    return _told(
        **{name: row[name] for name in names},
        fixed={name: part for name, part in (_json(row["fixed"]) or {}).items() if part},
        created_at=iso(row["created_at"]),
    )


def conversation_line(row: Row, newest: Row | None) -> dict[str, Any]:
    """A row of `conversations`, with its newest message."""
    return _told(
        conversation_id=row["conversation_id"],
        title=row["title"],
        messages=0 if newest is None else newest["number"],
        newest=None if newest is None else f"{newest['author']}: {cut(newest['text'], 200)}",
        created_at=iso(row["created_at"]),
    )


def message_line(row: Row) -> dict[str, Any]:
    """A row of `messages`."""
    return _told(
        number=row["number"],
        author=row["author"],
        agent_id=row["agent_id"],
        text=row["text"],
        demonstration=True if is_marked(row, "metadata") else None,
        at=iso(row["created_at"]),
    )


def cut(text: str | None, most: int) -> str | None:
    """The text, or its beginning and how much was left out."""
    if text is None or len(text) <= most:
        return text
    return f"{text[:most]} … [{len(text) - most:,} characters left out]"


def _told(**parts: Any) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value not in (None, "", [], {})}


def _part(text: str | None) -> Any:
    """A JSON column; as a text that was cut, where it is long."""
    return _json(text) if text is None or len(text) <= _PAYLOAD_CHARS else cut(text, _PAYLOAD_CHARS)


def _json(text: str | None) -> Any:
    try:
        return None if text is None else orjson.loads(text)
    except orjson.JSONDecodeError:  # a row written by hand
        return text
