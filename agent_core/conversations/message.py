"""A message of a conversation, and the reasons for which nothing can be said there."""

from dataclasses import dataclass
from typing import Any

from store.journal.file import Record


class ConversationUnknownError(LookupError):
    """There is no such conversation."""


class ConversationEndedError(ValueError):
    """Nobody speaks in the conversation any more."""


class NameTakenError(ValueError):
    """Somebody in the conversation has that name."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `session_id` is None for a person's."""

    number: int
    author: str
    session_id: str | None
    text: str

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Message":
        # Written before there were sessions in this table: an agent's own session bears its name.
        session_id = row.get("session_id") or row["agent_id"]
        return cls(row["number"], row["author"], session_id, row["text"])


@dataclass(frozen=True, slots=True)
class Reply:
    """A member's message on its way: its record, and the number that it has."""

    record: Record
    number: int
