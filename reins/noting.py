"""A person's remarks about rows of a log, put in the queue."""

from agent_core.actions.noting import note_about
from reins.sending import send
from store import agents_config


def note_add(
    agent_id: str,
    actor: str,
    seq: int,
    text: str,
    *,
    session_id: str | None = None,
    action_id: str | None = None,
) -> str:
    """Pin a remark to a row of a session's log, with the name of who makes it.

    Works for a session that has ended, too. Raises: ActionError.
    """
    address = agents_config.as_stored(session_id or agent_id)
    action = note_about(
        agents_config.as_stored(agent_id), actor, seq, text,
        session_id=address if session_id else None, action_id=action_id,
    )  # fmt: skip
    return send(action, new=action_id is None)
