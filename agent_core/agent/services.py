"""Services that the composition root hands to agents, found by their type."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar, cast

T = TypeVar("T")


class HasCaller(Protocol):
    """A session: the owner of an account with the models."""

    @property
    def caller(self) -> object: ...


class Services:
    """A few long-lived objects (a clock, the conversations), one for each type.

    `per_session` makes, for a type, each session's own service (a model on its account), from the
    session's account, at its first use.
    """

    __slots__ = ("_per_session", "_services")

    def __init__(
        self, *services: object, per_session: Mapping[type, Callable[[Any], object]] | None = None
    ) -> None:
        self._services: dict[type, object] = {type(service): service for service in services}
        self._per_session = per_session or {}

    def of(self, session: HasCaller) -> "Services":
        """The services as this session has them."""
        return _OfSession(self._services, self._per_session, session)

    def get(self, kind: type[T]) -> T:
        """The service of this type. Raises: LookupError naming those that there are."""
        try:
            return cast("T", self._services[kind])
        except KeyError:
            there = ", ".join(k.__name__ for k in (*self._services, *self._per_session)) or "none"
            if kind in self._per_session:
                why = f"each session has its own {kind.__name__}; get it from an agent's services"
            else:
                why = f"no service {kind.__name__} was handed down; there: {there}"
            raise LookupError(why) from None


class _OfSession(Services):
    """One session's view: its own services are made once."""

    __slots__ = ("_own", "_session")

    def __init__(
        self,
        shared: dict[type, object],
        per_session: Mapping[type, Callable[[Any], object]],
        session: HasCaller,
    ) -> None:
        self._services = shared
        self._per_session = per_session
        self._session = session
        self._own: dict[type, object] | None = None

    def get(self, kind: type[T]) -> T:
        if kind not in self._per_session:
            return super().get(kind)
        if self._own is None:
            self._own = {}
        if kind not in self._own:
            self._own[kind] = self._per_session[kind](self._session.caller)
        return cast("T", self._own[kind])
