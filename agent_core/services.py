"""What the composition root hands to agents, found by its type."""

from typing import TypeVar, cast

T = TypeVar("T")


class Services:
    """A few long-lived objects (the model, a clock), one for each type."""

    def __init__(self, *services: object) -> None:
        self._services = {type(service): service for service in services}

    def get(self, kind: type[T]) -> T:
        """The service of this type. Raises: LookupError naming those that there are."""
        try:
            return cast("T", self._services[kind])
        except KeyError:
            there = ", ".join(k.__name__ for k in self._services) or "none"
            raise LookupError(
                f"no service {kind.__name__} was handed down; there: {there}"
            ) from None
