"""An action as the worker takes it out of the queue, parsed once."""

import json
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from agent_core.agent.guidance import problems

P = TypeVar("P", bound=BaseModel)


class PayloadError(ValueError):
    """The payload does not fit the action's type."""


@dataclass(frozen=True, slots=True)
class QueuedAction:
    """One row of the queue."""

    row: dict[str, Any]

    @property
    def action_id(self) -> str:
        return str(self.row["action_id"])

    @property
    def action_type(self) -> str:
        return str(self.row["type"])

    @property
    def actor(self) -> str:
        return str(self.row["actor"] or "unknown")

    @property
    def session_id(self) -> str | None:
        """The session that it is meant for; None if it is meant for none."""
        # The payload is what handlers go by; a row written by hand may lack the columns.
        named = self._in_payload("session_id") or self._in_payload("agent_id")
        return named or self.row["session_id"] or self.row["agent_id"] or None

    @property
    def lane(self) -> str:
        """Actions of one lane are taken in order; those of different lanes do not wait."""
        if session_id := self.session_id:
            return f"session {session_id}"
        if conversation_id := self._in_payload("conversation_id"):
            return f"conversation {conversation_id}"
        return f"type {self.action_type}"

    @property
    def names(self) -> dict[str, Any]:
        """Fields of each line of the program's log about this action."""
        return {
            "action_id": self.action_id,
            "action_type": self.action_type,
            "agent_id": self.row["agent_id"],
            "session_id": self.session_id,
        }

    def _in_payload(self, name: str) -> str | None:
        try:
            value = json.loads(self.row["payload"])[name]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        return value if isinstance(value, str) else None

    def payload(self, model: type[P]) -> P:
        """The payload as the model. Raises: PayloadError."""
        try:
            return model.model_validate_json(self.row["payload"] or "{}")
        except (ValidationError, TypeError) as error:
            what = problems(error) if isinstance(error, ValidationError) else str(error)
            raise PayloadError(f"the payload does not fit {self.action_type}: {what}") from None
