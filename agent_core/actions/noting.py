"""Remarks about rows of a log: the action that pins one, checked before anything is written."""

from typing import Any

from agent_core.actions.action import create_action
from agent_core.actions.ids import ActionError
from agent_core.actions.payloads import MAX_NOTE


def note_about(
    agent_id: str,
    actor: str,
    seq: int,
    text: str,
    *,
    session_id: str | None = None,
    action_id: str | None = None,
) -> dict[str, Any]:
    """The action that pins a remark to a row. Raises: ActionError."""
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_NOTE:
        raise ActionError(f"text is {text!r:.80}; expected a text of 1 to {MAX_NOTE} characters")
    if not isinstance(seq, int) or seq < 1:
        raise ActionError(f"seq is {seq!r:.80}; expected the number of a row, from 1")
    return create_action(
        "note_add",
        actor,
        agent_id=agent_id,
        session_id=session_id,
        action_id=action_id,
        seq=seq,
        text=text,
    )
