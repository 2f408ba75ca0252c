"""What the composition root hands to agents, found by its type."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from agent_core.session.session import Session

T = TypeVar("T")


class Services:
    """A few long-lived objects (a clock, the conversations), one for each type.

    `per_session` makes, for a type, what each session has its own of (a model on its account): from
    the session's account, at its first use.
    """

    def __init__(
        self, *services: object, per_session: Mapping[type, Callable[[Any], object]] | None = None
    ) -> None:
        self._services: dict[type, object] = {type(service): service for service in services}
        self._per_session = per_session or {}

    def of(self, session: "Session") -> "Services":
        """The services as this session has them."""
        return _OfSession(self, session)

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
    """One session's view: what is its own is made once."""

    def __init__(self, shared: Services, session: "Session") -> None:
        self._services = shared._services  # noqa: SLF001 - the same objects
        self._per_session = shared._per_session  # noqa: SLF001
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
