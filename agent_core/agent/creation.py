"""The checks of a create: the worker's handler and the API both ask here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from agent_core.agent.base import AgentConfig
from agent_core.agent.guidance import problems
from agent_core.agent.looping import LoopingAgentBase
from agent_core.session.status import Status
from reins.names.looks import told_apart


class CreateError(ValueError):
    """The session cannot be created as asked; the message says why, and what to do.

    `where` is the field at fault, such as `config.route`; None where the create is at odds with a
    session or an agent that is there. `errors` are Pydantic's findings in the config.
    """

    def __init__(
        self, message: str, *, where: str | None = None, errors: ValidationError | None = None
    ) -> None:
        super().__init__(message)
        self.where = where
        self.errors = errors


def kind_named(name: str, types: Mapping[str, type[LoopingAgentBase]]) -> type[LoopingAgentBase]:
    """The type of agents of this name. Raises: CreateError."""
    kind = types.get(name)
    if kind is None:
        raise CreateError(
            f"agent type is {name!r}; expected one of {', '.join(sorted(types))}",
            where="agent_type",
        )
    return kind


@dataclass(frozen=True, slots=True)
class Creation:
    """A session that somebody asks for; `config` is what they say of it."""

    agent_id: str
    session_id: str
    agent_type: str
    config: Mapping[str, Any]

    @property
    def further(self) -> bool:
        """True for another session of an agent: it begins with the agent's own configuration."""
        return self.session_id != self.agent_id

    def check_free(self, agent_id: str, status: Status | None) -> None:
        """Check against the session that has the id; its status is None if it will be over.

        Raises: CreateError.
        """
        if agent_id != self.agent_id:
            raise CreateError(
                f"session {self.session_id} belongs to agent {agent_id}; choose another id"
            )
        if status is not None and not status.over:
            raise CreateError(
                f"session {self.session_id} exists and is {status}; "
                "destroy it first, or choose another id"
            )

    def check_orphaned(self, parent_id: str | None) -> None:
        """Check against the parent of the session that had the id: it would take the new one for
        its child.

        Raises: CreateError.
        """
        if parent_id is not None:
            raise CreateError(
                f"session {self.session_id} was made by {parent_id} for a task of its own; choose "
                "another id, or restore it within ten minutes of its destroy"
            )

    def check_unlike(self, other: str | None) -> None:
        """Check against the id of another session that looks the same. Raises: CreateError."""
        if other is not None:
            apart = told_apart(self.session_id, other) or told_apart(other, self.session_id)
            raise CreateError(
                f"session {other} looks the same as {self.session_id!a} (with {apart}); "
                "choose another id"
            )

    def check_config(
        self,
        *,
        types: Mapping[str, type[LoopingAgentBase]],
        own: Mapping[str, Any] | None,
        knows_route: Callable[[str], bool],
    ) -> tuple[type[LoopingAgentBase], AgentConfig]:
        """The agent's class and its whole configuration.

        `own` holds `agent_type` and `config` of the agent's own session, for a further one.
        Raises: CreateError.
        """
        kind = kind_named(self.agent_type, types)
        checked = self._validated(kind, own)
        if checked.route is not None and not knows_route(checked.route):
            raise CreateError(
                f"there is no model route {checked.route!r}; name one of GET /api/routes, or none",
                where="config.route",
            )
        return kind, checked

    def _validated(
        self, kind: type[LoopingAgentBase], own: Mapping[str, Any] | None
    ) -> AgentConfig:
        if own is not None and own["agent_type"] != self.agent_type:
            raise CreateError(
                f"agent {self.agent_id} is of type {own['agent_type']}, "
                f"not {self.agent_type}; an agent's sessions are of one type"
            )
        config = {} if own is None else own["config"]
        try:
            return kind.Config.model_validate({**config, **self.config})
        except ValidationError as error:
            raise CreateError(
                f"the config does not fit agents of type {self.agent_type}: {problems(error)}; "
                f"expected the fields {', '.join(kind.Config.model_fields)}",
                where="config",
                errors=error,
            ) from None
