"""The helpers of conversations: people speak, and steer all who take part at once."""

from agent_core.actions.branching import branching
from agent_core.actions.ids import ActionError, checked_id, known_id
from reins.sending import ask, send_many


def conversation_create(
    conversation_id: str, actor: str, title: str | None = None, *, action_id: str | None = None
) -> str:
    """Ask for a new conversation."""
    return ask(
        "conversation_create",
        actor,
        action_id=action_id,
        conversation_id=checked_id(conversation_id, "conversation_id"),
        title=title,
    )


def conversation_branch(
    conversation_id: str,
    upto: int,
    branch_id: str,
    actor: str,
    *,
    title: str | None = None,
    speaker: str | None = None,
) -> list[str]:
    """Ask for a new conversation that begins with the messages of this one up to number `upto`, and
    goes on by itself: who takes part now does so there as a session of its own.

    The persona of session `speaker` is asked to speak there: what it said here, said again. Returns
    the ids of the actions: the conversation's, one for each persona, and that. Raises: ActionError.
    """
    return send_many(
        branching(conversation_id, upto, branch_id, actor, title=title, speaker=speaker)
    )


def post_message(
    conversation_id: str, author: str, text: str, *, action_id: str | None = None
) -> str:
    """A person speaks in a conversation; applied exactly once, in order."""
    if not isinstance(text, str) or not text.strip():
        raise ActionError(f"text is {text!r}; expected a text that is not empty")
    return _ask("post_message", conversation_id, author, action_id, text=text)


def conversation_pause(
    conversation_id: str, actor: str, reason: str | None = None, *, action_id: str | None = None
) -> str:
    """Let no persona speak in it until it is resumed; a reply that is being written still comes."""
    return _ask("conversation_pause", conversation_id, actor, action_id, reason=reason)


def conversation_resume(conversation_id: str, actor: str, *, action_id: str | None = None) -> str:
    """Let the personas speak again, and count their messages without a person anew."""
    return _ask("conversation_resume", conversation_id, actor, action_id)


def conversation_set(
    conversation_id: str,
    actor: str,
    *,
    title: str | None = None,
    pace: str | None = None,
    ceiling: int | None = None,
    action_id: str | None = None,
) -> str:
    """Change its title, its pace (calm, brisk, free), or how many messages without a person may
    follow each other; what is left out stays.
    """
    if title is None and pace is None and ceiling is None:
        raise ActionError("nothing is given; expected a title, a pace or a ceiling")
    return _ask(
        "conversation_set",
        conversation_id,
        actor,
        action_id,
        title=title,
        pace=pace,
        ceiling=ceiling,
    )


def conversation_end(
    conversation_id: str, actor: str, reason: str | None = None, *, action_id: str | None = None
) -> str:
    """End it: nobody speaks in it any more, and its personas complete. Its transcript stays."""
    return _ask("conversation_end", conversation_id, actor, action_id, reason=reason)


def _ask(
    action_type: str, conversation_id: str, actor: str, action_id: str | None, **parts: object
) -> str:
    return ask(
        action_type,
        actor,
        action_id=action_id,
        conversation_id=known_id(conversation_id, "conversation_id"),
        **parts,
    )
