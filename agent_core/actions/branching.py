"""The actions that ask for a branch of a conversation."""

from typing import Any

import orjson

from agent_core.actions.action import create_action
from agent_core.actions.creating import creation
from agent_core.actions.ids import ActionError, checked_id, known_id
from store import agents_config, conversations, participants
from store.reading import Reader

Row = dict[str, Any]


def branching(
    conversation_id: str,
    upto: int,
    branch_id: str,
    actor: str,
    *,
    title: str | None = None,
    speaker: str | None = None,
    store: Reader | None = None,
) -> list[Row]:
    """The actions that ask for a branch of a conversation: its own, then one for each persona that
    takes part now, as a new session with the same configuration. The persona of session `speaker`
    is asked to speak there. Raises: ActionError.
    """
    conversation_id = known_id(conversation_id, "conversation_id")
    conversation_id = conversations.as_stored(conversation_id, store=store)
    if conversations.get_conversation(conversation_id, store=store) is None:
        raise ActionError(f"there is no conversation {conversation_id}; check the id")
    if isinstance(upto, bool) or not isinstance(upto, int) or upto < 1:
        raise ActionError(f"upto is {upto!r}; expected the number of a message, from 1")
    if conversations.get_conversation(checked_id(branch_id, "branch_id"), store=store) is not None:
        raise ActionError(f"conversation {branch_id} exists; choose another id")
    opening = create_action(
        "conversation_create", actor, conversation_id=branch_id, title=title,
        branch_of=conversation_id, upto=upto,
    )  # fmt: skip
    there = participants.list_participants(conversation_id, store=store)
    members = {
        row["session_id"]: _duplicate(row["session_id"], branch_id, actor, store)
        for row in there
        if row["left_at"] is None
    }
    if speaker is None:
        return [opening, *members.values()]
    if speaker not in members:
        raise ActionError(
            f"{speaker!r:.80} takes no part in conversation {conversation_id}; expected one of "
            f"{', '.join(members) or 'nobody: it has no persona'}"
        )
    asked = create_action(
        "agent_interrupt", actor, agent_id=members[speaker]["agent_id"],
        guidance={"type": "speak_now"}, mode="steer",
    )  # fmt: skip
    return [opening, *members.values(), asked]


def _duplicate(session_id: str, branch_id: str, actor: str, store: Reader | None) -> Row:
    row = agents_config.get_agent_config(session_id, store=store)
    if row is None:
        raise ActionError(f"session {session_id} has no configuration; it cannot be duplicated")
    config = {**orjson.loads(row["config"]), "conversation_id": branch_id}
    return creation(
        f"{row['session_id']}-{branch_id}", actor, agent_type=row["agent_type"], config=config
    )
