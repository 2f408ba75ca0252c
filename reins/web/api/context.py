"""The collaborators of the API's views, and the way that a view reaches them."""

from dataclasses import dataclass
from typing import Any, Protocol

from flask import current_app

from reins.sql.runner import SqlRunner
from reins.web.bridge import Bridge
from reins.web.http.idempotency import IdempotencyLocks
from reins.web.live.sse import Streams
from reins.web.views.participants import Participants
from reins.web.views.sessions import SessionIndex
from store.sizes import Sizes

_NAME = "reins"


class Live(Protocol):
    """The keeper of the session index and the participants current."""

    def catch_up(self) -> None:
        """Return once the session index and the participants are loaded and current."""

    def clients(self) -> dict[str, Any]:
        """Open connections: `sockets`, `streams`, and how many of the sockets are `lagging`."""


@dataclass(frozen=True, slots=True)
class ApiContext:
    """The collaborators of all views."""

    bridge: Bridge
    index: SessionIndex
    participants: Participants
    streams: Streams
    live: Live
    locks: IdempotencyLocks
    sizes: Sizes
    sql: SqlRunner

    def current(self) -> SessionIndex:
        """The index, loaded and current."""
        self.live.catch_up()
        return self.index

    def current_participants(self) -> Participants:
        """The participants of all conversations, loaded and current."""
        self.live.catch_up()
        return self.participants


def attach(app: Any, context: ApiContext) -> None:
    app.extensions[_NAME] = context


def api_context() -> ApiContext:
    """Those of the application that serves this request."""
    found: ApiContext = current_app.extensions[_NAME]
    return found
