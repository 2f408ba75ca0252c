"""Acts of who reads along: a remark at a row of a log, guidance that is not to wait."""

from agent_core.actions.action import create_action
from agent_core.actions.ids import known_id
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
    action = note_about(
        agents_config.as_stored(agent_id),
        actor,
        seq,
        text,
        session_id=agents_config.as_stored(session_id) if session_id else None,
        action_id=action_id,
    )
    return send(action, new=action_id is None)


def agent_hasten(
    agent_id: str,
    actor: str,
    guidance_id: str,
    *,
    session_id: str | None = None,
    action_id: str | None = None,
) -> str:
    """Let guidance that waits for the end of a tick be applied now, by the id of its action.

    The tick in flight is aborted and repeated with it. Raises: ActionError.
    """
    action = create_action(
        "agent_hasten",
        actor,
        agent_id=agents_config.as_stored(agent_id),
        session_id=agents_config.as_stored(session_id) if session_id else None,
        action_id=action_id,
        guidance_id=known_id(guidance_id, "guidance_id"),
    )
    return send(action, new=action_id is None)
