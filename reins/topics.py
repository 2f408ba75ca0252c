"""The helpers of topics: a message is published, a dead letter given again."""

from typing import Any

from agent_core.actions.ids import known_id
from agent_core.actions.topics import (
    WhenFull,
    checked_message,
    checked_open_topic,
    checked_topic,
)
from reins.sending import ask


def publish(topic: str, actor: str, message: Any, *, action_id: str | None = None) -> str:
    """Publish a message, JSON or a text, to a topic; its receipt has the number as `applied_seq`.

    Raises: ActionError.
    """
    return ask(
        "publish",
        actor,
        action_id=action_id,
        topic=checked_open_topic(topic),
        message=checked_message(message),
    )


def topic_set(
    topic: str,
    actor: str,
    *,
    max_unread: int | None = None,
    max_age_s: float | None = None,
    when_full: WhenFull = "reject",
    action_id: str | None = None,
) -> str:
    """Set how far subscribers of a topic may be behind, and what becomes of one message more.

    What is left out is as the settings say. Raises: ActionError.
    """
    return ask(
        "topic_set",
        actor,
        action_id=action_id,
        topic=checked_topic(topic),
        max_unread=max_unread,
        max_age_s=max_age_s,
        when_full=when_full,
    )


def dead_letter_replay(letter_id: str, actor: str, *, action_id: str | None = None) -> str:
    """Ask that a message which a subscriber could not use is given to it again."""
    return ask(
        "dead_letter_replay", actor, action_id=action_id, letter_id=known_id(letter_id, "letter_id")
    )
