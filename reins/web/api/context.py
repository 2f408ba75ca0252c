"""What the API is made of, and how a view gets at it."""

from typing import Any, NamedTuple, Protocol

from flask import current_app

from reins.web.bridge import Bridge
from reins.web.http.idempotency import Turns
from reins.web.live.sse import Streams
from reins.web.views.participants import Cast
from reins.web.views.sessions import Overview
from store.sizes import Sizes

_NAME = "reins"


class Live(Protocol):
    """What keeps the overview and the cast current."""

    def wanted(self) -> None:
        """Somebody wants the overview or the cast; returns once both are loaded and current."""

    def clients(self) -> dict[str, Any]:
        """Open connections: `sockets`, `streams`, and how many of the sockets are `lagging`."""


class Parts(NamedTuple):
    """The collaborators of all views."""

    bridge: Bridge
    overview: Overview
    cast: Cast
    streams: Streams
    live: Live
    turns: Turns
    sizes: Sizes

    def current(self) -> Overview:
        """The overview, loaded and current."""
        self.live.wanted()
        return self.overview

    def current_cast(self) -> Cast:
        """Who takes part in which conversation, loaded and current."""
        self.live.wanted()
        return self.cast


def attach(app: Any, parts: Parts) -> None:
    app.extensions[_NAME] = parts


def parts() -> Parts:
    """Those of the application that serves this request."""
    found: Parts = current_app.extensions[_NAME]
    return found
