"""The helpers by which people change what sessions, agents and all remember, and believe."""

from collections.abc import Sequence
from typing import Any, Literal

from agent_core.actions.ids import ActionError, known_id
from agent_core.actions.memories import checked_key, checked_memory
from reins.sending import ask

Scope = Literal["session", "agent", "shared"]


def memory_put(
    key: str,
    actor: str,
    value: Any,
    *,
    scope: Scope = "session",
    agent_id: str | None = None,
    session_id: str | None = None,
    expect: int | None = None,
    expires_in_s: float | None = None,
    action_id: str | None = None,
) -> str:
    """Ask that a memory gets a value: of a session (`agent_id`, or also `session_id`), of an agent
    (`agent_id`), or one that all share.

    `expect`: the version that must be there, 0 for none. The receipt has as `applied_seq` the row
    of the session's log, of other scopes the version. Raises: ActionError.
    """
    return ask(
        "memory_put",
        actor,
        action_id=action_id,
        **_place(scope, agent_id, session_id),
        key=checked_key(key),
        value=checked_memory(value),
        expect=expect,
        expires_in_s=expires_in_s,
    )


def memory_forget(
    key: str,
    actor: str,
    *,
    scope: Scope = "session",
    agent_id: str | None = None,
    session_id: str | None = None,
    expect: int | None = None,
    action_id: str | None = None,
) -> str:
    """Ask that a memory is recalled no more; `memory_restore` brings it back."""
    return ask(
        "memory_forget",
        actor,
        action_id=action_id,
        **_place(scope, agent_id, session_id),
        key=checked_key(key),
        expect=expect,
    )


def memory_restore(
    key: str,
    actor: str,
    version: int | None = None,
    *,
    scope: Scope = "session",
    agent_id: str | None = None,
    session_id: str | None = None,
    expect: int | None = None,
    expires_in_s: float | None = None,
    action_id: str | None = None,
) -> str:
    """Ask that a version of a memory comes back; without one the newest with a value before now."""
    return ask(
        "memory_restore",
        actor,
        action_id=action_id,
        **_place(scope, agent_id, session_id),
        key=checked_key(key),
        version=version,
        expect=expect,
        expires_in_s=expires_in_s,
    )


def evidence_undo(
    agent_id: str,
    actor: str,
    ids: Sequence[str],
    text: str = "",
    *,
    session_id: str | None = None,
    action_id: str | None = None,
) -> str:
    """Ask that evidence of a session is taken back, as if it had never been said."""
    return ask(
        "evidence_undo",
        actor,
        action_id=action_id,
        agent_id=agent_id,
        session_id=session_id,
        ids=[known_id(each, "ids") for each in ids],
        text=text,
    )


def _place(scope: Scope, agent_id: str | None, session_id: str | None) -> dict[str, Any]:
    if scope not in ("session", "agent", "shared"):
        raise ActionError(f"scope is {scope!r:.40}; expected session, agent or shared")
    if (agent_id is None) != (scope == "shared"):
        raise ActionError(
            f"agent_id is {agent_id!r:.80} with the scope {scope}; a memory that all share has "
            "none, any other has one"
        )
    if session_id is not None and scope != "session":
        raise ActionError(f"session_id goes with the scope session, given {scope}")
    return {"scope": scope, "agent_id": agent_id, "session_id": session_id}
