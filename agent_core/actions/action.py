"""An action as a row of the queue: built and checked before anything is written."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agent_core.actions.actors import checked_actor
from agent_core.actions.ids import ActionError, checked_id, known_id
from agent_core.actions.payloads import PAYLOADS
from store import forks, new_ids

MAX_PAYLOAD_BYTES = 256 * 1024
_MAX_URGENCY = 9
_SURELY_READ = 100
"""Lists and objects that no reader finds nested too deep, however they stand."""
_JSON = TypeAdapter(Any)
_encoded = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_AHEAD_US = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def create_action(
    action_type: str,
    actor: str,
    *,
    agent_id: str | None = None,
    session_id: str | None = None,
    urgency: int | None = None,
    description: str | None = None,
    metadata: dict[str, Any] | None = None,
    action_id: str | None = None,
    **payload: object,
) -> dict[str, Any]:
    """Build an action, without writing it: a row of the queue's table.

    Payload entries that are None are left out. An `action_id` of the caller's own makes it safe to
    send the action again: it has one effect. Raises: ActionError.
    """
    kind = PAYLOADS.get(action_type)
    if kind is None:
        known = ", ".join(sorted(PAYLOADS))
        raise ActionError(f"action type is {action_type!r}; expected one of {known}")
    as_id = checked_id if kind.makes else known_id
    if agent_id is not None:
        agent_id = as_id(agent_id, "agent_id")
        payload = {"agent_id": agent_id, **payload}
    if session_id is not None:
        session_id = as_id(session_id, "session_id")
        payload = {**payload, "session_id": session_id}
    if urgency is None:
        urgency = kind.urgency
    if not isinstance(urgency, int) or not 0 <= urgency <= _MAX_URGENCY:
        raise ActionError(f"urgency is {urgency!r}; expected a number from 0 to {_MAX_URGENCY}")
    return {
        "action_id": new_ids.make() if action_id is None else checked_id(action_id, "action_id"),
        "type": action_type,
        "agent_id": agent_id,
        "session_id": session_id or agent_id,
        "actor": checked_actor(actor),
        "created_at": _now(),
        "urgency": urgency,
        "description": _text(description, "description"),
        "payload": _json({k: v for k, v in payload.items() if v is not None}, "the payload"),
        "metadata": None if metadata is None else _json(metadata, "metadata"),
        "processed": False,
        "processed_at": None,
        "outcome": None,
        "error": None,
        "applied_seq": None,
    }


def processed(
    row: dict[str, Any], *, outcome: str, error: str | None = None, applied_seq: int | None = None
) -> dict[str, Any]:
    """The action's row as it stands once it is processed."""
    return {
        **row,
        "processed": True,
        "processed_at": datetime.now(UTC),
        "outcome": outcome,
        "error": error,
        "applied_seq": applied_seq,
    }


def _text(value: object, name: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ActionError(f"{name} is {value!r:.80}; expected a text or None")
    _json(value, name)
    return value


def _json(value: object, name: str) -> str:
    try:
        text = _encoded(value)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise ActionError(f"{name} is not plain JSON: {error}") from None
    if size > MAX_PAYLOAD_BYTES:
        raise ActionError(f"{name} has {size} bytes; expected {MAX_PAYLOAD_BYTES} at the most")
    if text.count("[") + text.count("{") > _SURELY_READ:
        try:
            _JSON.validate_json(text)
        except ValidationError as error:  # whoever applies it could not read it
            why = error.errors()[0]["msg"]
            raise ActionError(f"{name} is nested too deep: {why}; expected less") from None
    return text


class _Clock:
    """Increasing microseconds, so that one process's actions show in their order.

    After a clock that was ahead it begins anew: the queue's own numbers keep the order.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0
        forks.free_in_child(self._lock)

    def __call__(self) -> datetime:
        with self._lock:
            now = time.time_ns() // 1_000
            self._last = now if self._last > now + _AHEAD_US else max(self._last + 1, now)
            return _EPOCH + timedelta(microseconds=self._last)


_now = _Clock()
