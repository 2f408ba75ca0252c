"""An action as the worker takes it out of the queue, parsed once."""

from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from agent_core.actions.documents import document_id_of
from agent_core.actions.payloads import PAYLOADS
from agent_core.agent.guidance import problems
from store import kv
from store.topics import topic_id

P = TypeVar("P", bound=BaseModel)


class PayloadError(ValueError):
    """The payload does not fit the action's type."""


class QueuedAction:
    """One row of the queue. `new`: nobody can have used its id before.

    `session_id` is the session that it is meant for; None if it is meant for none. Actions of one
    `lane` are taken in order; those of different lanes do not wait.
    """

    __slots__ = ("action_id", "action_type", "lane", "new", "row", "session_id")

    def __init__(self, row: dict[str, Any], *, new: bool = False) -> None:
        self.row = row
        self.new = new
        self.action_id = str(row["action_id"])
        self.action_type = str(row["type"])
        # The payload is what handlers go by; a row written by hand may lack the columns.
        given = _names_in(row["payload"])
        named = _text(given, "session_id") or _text(given, "agent_id")
        self.session_id: str | None = named or row["session_id"] or row["agent_id"] or None
        kind = PAYLOADS.get(self.action_type)
        if kind is not None and kind.lane is not None:
            self.lane = kind.lane
        elif self.session_id:
            self.lane = f"session {self.session_id}"
        elif conversation_id := _text(given, "conversation_id"):
            self.lane = f"conversation {conversation_id}"
        elif schedule_id := _text(given, "schedule_id"):
            self.lane = f"schedule {schedule_id}"
        elif topic := _text(given, "topic"):
            self.lane = f"conversation {topic_id(topic)}"
        elif board := _text(given, "board"):
            self.lane = f"conversation {topic_id(kv.topic_of(board))}"
        elif self.action_type == "document_add":
            self.lane = f"document {document_id_of(_text(given, 'source') or '')}"
        elif document_id := _text(given, "document_id"):
            self.lane = f"document {document_id}"
        elif given.get("scope") == "shared":
            self.lane = "memories that all share"
        else:
            self.lane = f"type {self.action_type}"

    @property
    def actor(self) -> str:
        return str(self.row["actor"] or "unknown")

    @property
    def number(self) -> int:
        """Its place in the queue."""
        return int(self.row["queue_n"])

    @property
    def names(self) -> dict[str, Any]:
        """Fields of each line of the program's log about this action."""
        return {
            "action_id": self.action_id,
            "action_type": self.action_type,
            "agent_id": self.row["agent_id"],
            "session_id": self.session_id,
        }

    def payload(self, model: type[P]) -> P:
        """The payload as the model. Raises: PayloadError."""
        try:
            return model.model_validate_json(self.row["payload"] or "{}")
        except (ValidationError, TypeError) as error:
            what = problems(error) if isinstance(error, ValidationError) else str(error)
            raise PayloadError(f"the payload does not fit {self.action_type}: {what}") from None


def _names_in(payload: str | None) -> dict[str, Any]:
    try:
        given = orjson.loads(payload or "{}")
    except orjson.JSONDecodeError:
        return {}
    return given if isinstance(given, dict) else {}


def _text(given: dict[str, Any], name: str) -> str | None:
    value = given.get(name)
    return value if isinstance(value, str) else None
