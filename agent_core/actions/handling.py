"""The handlers of actions: each room hands its own in, the dispatcher reads them here."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias, TypeVar

from agent_core.actions.payloads import Payload

Handler: TypeAlias = Callable[[Any, Any], Awaitable[Any]]
"""Gets the worker's context and the queued action; gives its outcome, or a future of it."""
H = TypeVar("H", bound=Handler)

ACTION_HANDLERS: dict[str, Handler] = {}
"""Action type to handler."""


class Action(Protocol):
    """An action that was taken out of the queue, as handlers know it."""

    action_id: str

    @property
    def actor(self) -> str: ...

    def payload(self, model: type[Any]) -> Any: ...


def handles(payload: type[Payload]) -> Callable[[H], H]:
    """Make the decorated function the handler of this payload's actions. Raises: ValueError."""

    def register(handler: H) -> H:
        known = ACTION_HANDLERS.get(payload.action_type)
        if known is not None and known.__qualname__ != handler.__qualname__:
            raise ValueError(
                f"actions of type {payload.action_type} are handled by {known.__qualname__}; "
                f"{handler.__qualname__} cannot handle them too. Give it a type of its own."
            )
        ACTION_HANDLERS[payload.action_type] = handler
        return handler

    return register
