"""The effect of guidance as its row in the log says it, and the guidance that takes it back."""

from typing import Any

import orjson

from agent_core.actions.action import create_action
from agent_core.actions.ids import ActionError
from store import agent_steps
from store.reading import Reader

Row = dict[str, Any]
_GUIDING = (
    "agent_interrupt", "memory_put", "memory_forget", "memory_restore", "evidence_undo",
)  # fmt: skip


def understood(action: Row, store: Reader) -> tuple[str | None, bool]:
    """The line that says what applied guidance has changed, and whether it can be taken back.

    None: it is no guidance, or not applied.
    """
    row = _guidance_row(action, store)
    if row is None:
        return None, False
    return str(row["text"]), orjson.loads(row["payload"] or "{}").get("undo") is not None


def undo_of(action: Row, actor: str, store: Reader, *, action_id: str | None = None) -> Row:
    """The interrupt that takes another back, as an action that is not sent yet.

    The worker refuses it where newer guidance has come. Raises: ActionError.
    """
    row = _guidance_row(action, store)
    if row is None:
        state = action["outcome"] or "queued"
        raise ActionError(
            f"action {action['action_id']} is {_a(action['type'])} that is {state}; expected "
            "guidance, such as an agent_interrupt, that was applied"
        )
    payload = orjson.loads(row["payload"] or "{}")
    if payload.get("undo") is None:
        raise ActionError(
            f"there is nothing to take back in “{row['text'][:80]}”; say what is to hold instead"
        )
    return create_action(
        "agent_interrupt",
        actor,
        action_id=action_id,
        agent_id=row["agent_id"],
        session_id=row["session_id"],
        guidance=payload["undo"],
        undoes={"action_id": action["action_id"], "guided": payload["guided"]},
    )


def _guidance_row(action: Row, store: Reader) -> Row | None:
    seq = action["applied_seq"]
    if action["type"] not in _GUIDING or seq is None or action["session_id"] is None:
        return None
    rows = agent_steps.list_steps(action["session_id"], seq - 1, 1, store=store)
    if rows and action["action_id"] in orjson.loads(rows[0]["applied_actions"] or "[]"):
        return rows[0]
    return None


def _a(action_type: str) -> str:
    return f"{'an' if action_type[:1] in 'aeiou' else 'a'} {action_type}"
