"""The web application, put together: the guard outside, Socket.IO next, then Flask."""

from typing import TYPE_CHECKING

from reins.settings import Settings
from reins.web.api import make_api
from reins.web.bridge import Bridge, WorkerHere
from reins.web.guard import Guard
from reins.web.live.feed import Pump
from reins.web.live.rooms import Rooms
from reins.web.live.sockets import Sockets, make_socketio
from reins.web.live.sse import Streams
from reins.web.views.participants import Cast
from reins.web.views.sessions import Overview

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Web:
    """Everything that serves one data folder, beside its worker or without one.

    `wsgi` is the application. Starts once; `stop` ends the pump, the streams and the sockets.
    """

    def __init__(
        self,
        settings: Settings,
        worker: WorkerHere | None,
        *,
        port: int,
        token: str | None,
        ping_interval_s: float = 25.0,
        ping_timeout_s: float = 20.0,
    ) -> None:
        bridge = Bridge(settings, worker)
        overview = Overview(bridge.store)
        cast = Cast(bridge.store)
        self._streams = Streams()
        flask = make_api(
            bridge=bridge, overview=overview, cast=cast, streams=self._streams, live=self
        )
        socketio = make_socketio(
            flask, ping_interval_s=ping_interval_s, ping_timeout_s=ping_timeout_s
        )
        rooms = Rooms(socketio.server)
        self._pump = Pump(
            bridge=bridge, overview=overview, cast=cast, rooms=rooms, streams=self._streams
        )
        sockets = Sockets(bridge=bridge, overview=overview, cast=cast, pump=self._pump, rooms=rooms)
        sockets.register(socketio)
        self._socketio = socketio
        self._guard = Guard(
            flask.wsgi_app,
            host=settings.host,
            port=port,
            token=token,
            allowed_hosts=settings.allowed_hosts,
        )
        self.wsgi: WSGIApplication = self._guard

    def start(self) -> None:
        self._pump.start()

    def stop(self) -> None:
        self._streams.end()
        self._pump.stop()
        self._guard.close()
        self._socketio.server.shutdown()

    def wanted(self) -> None:
        """See `Pump.wanted`."""
        self._pump.wanted()

    def clients(self) -> dict[str, int]:
        """Who is connected; see `Pump.clients`."""
        return self._pump.clients()
