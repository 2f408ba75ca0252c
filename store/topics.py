"""Topics: conversations without a floor, to which agents subscribe. Their messages are numbered
rows of `messages`, as those of any conversation.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from store import conversations, messages
from store.reading import Reader, reader

PREFIX = "topic:"
"""Before the name of a topic: the id of its conversation."""


def topic_id(topic: str) -> str:
    """The id of the conversation that has the topic's messages."""
    return f"{PREFIX}{topic}"


def topic_in(conversation_id: str) -> str:
    """The topic's name in the id of its conversation."""
    return conversation_id.removeprefix(PREFIX)


def is_topic(conversation_id: str) -> bool:
    """True of the id of a topic's conversation."""
    return conversation_id.startswith(PREFIX)


def is_mailbox(conversation_id: str) -> bool:
    """True of the id of a topic's conversation that has one reader, a session."""
    return conversation_id.startswith(f"{PREFIX}@")


def list_topic_messages(
    topic: str, after: int = 0, limit: int = 1_000, *, store: Reader | None = None
) -> list[dict[str, Any]]:
    """The messages of a topic with a number above `after`, oldest first, `limit` at the most."""
    return messages.list_messages(topic_id(topic), after, limit, store=store)


def get_topic(topic: str, *, store: Reader | None = None) -> dict[str, Any] | None:
    """The topic's row in `conversations`; None if nothing was published there."""
    return conversations.get_conversation(topic_id(topic), store=store)


def newest_numbers(*, store: Reader | None = None) -> dict[str, int]:
    """The number of the newest message of each topic, which is how many there are, by name."""
    reading = store or reader()
    ids = [each for each in conversations.list_ids(store=reading) if is_topic(each)]
    newest = messages.newest_messages(ids, store=reading) if ids else {}
    return {
        each.removeprefix(PREFIX): int(newest[each]["number"]) if each in newest else 0
        for each in ids
    }


def message_of(row: Mapping[str, Any]) -> Any:
    """The message as it was published: JSON, or a text."""
    return orjson.loads(row["text"]) if is_json(row) else row["text"]


def is_json(row: Mapping[str, Any]) -> bool:
    """True of a message that was published as JSON and not as a text."""
    return bool(orjson.loads(row["metadata"] or "{}").get("json"))
