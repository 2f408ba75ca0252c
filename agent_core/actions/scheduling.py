"""The ids of schedules: people's own, and those of agents."""

import uuid
from typing import Annotated

from pydantic import AfterValidator

from agent_core.actions.ids import MAX_ID_CHARS, ActionError, Id

_NAMESPACE = uuid.UUID("0f0d3a5e-6a77-4c0c-9d4e-52b9f9f3a7c4")
OWN = "@"
"""Before the id of an agent's own schedule, which its configuration has made."""


def checked_schedule_id(value: str) -> str:
    """`value` as the id of a person's schedule. Raises: ActionError."""
    if value.startswith(OWN):
        raise ActionError(
            f"schedule_id is {value!r:.160}; ids that begin with {OWN} are those of agents, which "
            "their configuration sets. Take another id"
        )
    return value


def own_schedule_id(session_id: str, place: int) -> str:
    """The id of the schedule at this place of a session's `on`."""
    made = f"{OWN}{session_id}.{place}"
    if len(made) <= MAX_ID_CHARS:
        return made
    return f"{OWN}{uuid.uuid5(_NAMESPACE, session_id).hex}.{place}"


ScheduleId = Annotated[Id, AfterValidator(checked_schedule_id)]
"""The id of a schedule that a person sets."""
